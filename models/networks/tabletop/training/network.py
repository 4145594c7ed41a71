"""The tabletop network: a small encoder-decoder with CenterNet heads, in PyTorch.

In: pictures [N, 3, H, W], normalised, and depth [N, 1, H, W] in metres, 0 where unknown.
Out: maps at a quarter of the size: heatmap logits, offset, size, yaw.
"""

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

CLASSES = ("box", "cylinder", "cross")
STRIDE = 4
SIZE_SCALE = 16.0
MEAN = 0.5
STD = 0.25
WIDTHS = (24, 32, 64, 96)
HEADS = {"heatmap": 3, "offset": 2, "size": 2, "yaw": 2}

# What the network makes of depth. A plane is linear in 1/z over the picture, and the noise of a
# stereo camera is alike everywhere in it.
NEAREST_M = 0.05
BLOCK = 8  # pixels averaged to one cell of the background
WINDOW = 5  # cells that make up the background around a place
RELIEF_GAIN = 20.0
RELIEF_LIMIT = 3.0
USUAL_INVERSE_M = 1.1
INVERSE_GAIN = 2.0


class Convolution(nn.Module):
    """A convolution whose outputs are kept at a steady scale while training; one plain
    convolution afterwards (see export.py)."""

    def __init__(self, channels_in, channels_out, kernel=3, stride=1):
        super().__init__()
        self.weigh = nn.Conv2d(
            channels_in, channels_out, kernel, stride, kernel // 2, bias=False
        )
        self.steady = nn.BatchNorm2d(channels_out, momentum=0.02)

    def forward(self, x):
        return self.steady(self.weigh(x))


class Block(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.first = Convolution(width, width)
        self.second = Convolution(width, width)

    def forward(self, x):
        return F.relu(x + self.second(F.relu(self.first(x))))


class Network(nn.Module):
    def __init__(self):
        super().__init__()
        w0, w1, w2, w3 = WIDTHS
        self.stem = Convolution(6, w0, stride=2)
        self.down1 = Convolution(w0, w1, stride=2)
        self.fine = Block(w1)
        self.down2 = Convolution(w1, w2, stride=2)
        self.middle = Block(w2)
        self.down3 = Convolution(w2, w3, stride=2)
        self.coarse0 = Block(w3)
        self.coarse1 = Block(w3)
        self.up2 = Convolution(w3, w2, kernel=1)
        self.join2 = Convolution(w2, w2)
        self.up1 = Convolution(w2, w1, kernel=1)
        self.join1 = Convolution(w1, w2)
        self.heads = nn.Conv2d(w2, sum(HEADS.values()), 1)
        # At first the heatmap says "nothing here".
        nn.init.normal_(self.heads.weight, std=0.02)
        nn.init.zeros_(self.heads.bias)
        nn.init.constant_(self.heads.bias[: HEADS["heatmap"]], -4.0)

    def forward(self, image, depth):
        x = torch.cat([image, shape_of(depth)], 1).contiguous(memory_format=torch.channels_last)
        x = F.relu(self.stem(x))
        fine = self.fine(F.relu(self.down1(x)))
        middle = self.middle(F.relu(self.down2(fine)))
        coarse = self.coarse1(self.coarse0(F.relu(self.down3(middle))))
        x = F.interpolate(self.up2(coarse), scale_factor=2) + middle
        x = F.relu(self.join2(x))
        x = F.interpolate(self.up1(x), scale_factor=2) + fine
        x = F.relu(self.join1(x))
        with torch.autocast("cpu", enabled=False):
            maps = self.heads(x.float())
        return torch.split(maps, list(HEADS.values()), 1)


@torch.no_grad()
def shape_of(depth):
    """Three channels: relief over the surroundings, nearness, and where depth is known."""
    known = (depth > NEAREST_M).float()
    inverse = known / depth.clamp(min=NEAREST_M)
    cells = F.avg_pool2d(torch.cat([inverse, known], 1), BLOCK)
    cells = F.avg_pool2d(cells, WINDOW, stride=1, padding=WINDOW // 2)
    around = cells[:, :1] / cells[:, 1:].clamp(min=1e-3)
    around = F.interpolate(around, scale_factor=BLOCK, mode="bilinear", align_corners=False)
    relief = ((inverse - around) * known * RELIEF_GAIN).clamp(-RELIEF_LIMIT, RELIEF_LIMIT)
    nearness = (inverse - USUAL_INVERSE_M) * known * INVERSE_GAIN
    return torch.cat([relief, nearness, known], 1)


def normalise(pictures):
    """Bytes [N, H, W, 3] to the network's input."""
    values = (pictures.astype(np.float32) / 255.0 - MEAN) / STD
    return np.ascontiguousarray(values.transpose(0, 3, 1, 2))
