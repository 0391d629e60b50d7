"""What people write that is no digit, as strokes: letters of many scripts, and signs."""
