"""Lanes, leader, drains, periodic work, flow control; the task engine that carries drains stays behind a small port."""
