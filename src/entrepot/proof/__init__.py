"""What puts hub and sandbox together and judges: demo, simulator, kill points, checkers."""
