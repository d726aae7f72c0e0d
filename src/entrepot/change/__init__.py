"""Changing the plan the hub runs by: versions, who changed them and why, what differs, mappings and what they changed, replays."""
