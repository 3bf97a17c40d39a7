"""What is to be sent, to whom and when."""
