"""What people are told about their campaigns: in the panel and by e-mail."""
