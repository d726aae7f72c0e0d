"""What one seller is paid for one billing cycle, and how far that money has come."""
