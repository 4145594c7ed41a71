//! Triangle scenes to colour, depth and segmentation images on a CPU.
