"""The forms of the panel: what a person fills in, turned into plain values for the services."""
