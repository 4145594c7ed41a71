//! URDF + SRDF to a Robot: kinematics, limits, IK, link spheres, allowed collisions.
