"""The control room: one page per event, on which operators see and steer what is said."""
