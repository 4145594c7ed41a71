//! Follow, hold, brake; limit gate; watchdogs.
