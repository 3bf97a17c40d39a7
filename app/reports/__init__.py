"""What people read about campaigns. Reads only."""
