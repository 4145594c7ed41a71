//! Search, shortcut, goals and constraints over a JointSpace.
