"""Amazon's vendors who ship directly (direct fulfillment): Amazon sells, we deliver to its customer."""
