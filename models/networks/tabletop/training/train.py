"""Trains the tabletop network: python train.py OUT.pt MINUTES PROCESSES SET [SET …]

Each process works on its own share of every batch with one thread; their gradients are averaged.
The learning rate falls with the share of the minutes that is spent, so that training ends when it
should on a machine of any speed. Everything is stored every minute; if OUT.pt is there already,
training goes on where it stopped.
"""

import os
import queue
import sys
import tempfile
import threading
import time

import numpy as np
import torch
import torch.distributed as dist
import torch.multiprocessing
import torch.nn.functional as F

import data
import network

BATCH = 16
PEAK_RATE = 2.5e-3
WARM_UP_STEPS = 200
AVERAGING = 0.998
STORE_EVERY_S = 60


def targets(rows, height, width):
    """Heatmap, maps of what is asked for, and how much each cell counts."""
    stride = network.STRIDE
    y = torch.arange(height // stride)[:, None]
    x = torch.arange(width // stride)[None, :]
    one = rows[..., None, None, :]  # [N, objects, 1, 1, columns]
    x0, y0 = one[..., data.X0] / stride, one[..., data.Y0] / stride
    x1, y1 = one[..., data.X1] / stride, one[..., data.Y1] / stride
    there = one[..., data.CLASS] >= 0
    counts = there & (one[..., data.COUNTS] > 0)
    cx, cy, w, h = 0.5 * (x0 + x1), 0.5 * (y0 + y1), x1 - x0, y1 - y0
    # Clouds around the cell that holds the centre.
    dx, dy = x - cx.floor(), y - cy.floor()
    sx, sy = (w / 7).clamp(0.45, 3.0), (h / 7).clamp(0.45, 3.0)
    cloud = torch.exp(-0.5 * ((dx / sx) ** 2 + (dy / sy) ** 2)) * counts
    kinds = range(len(network.CLASSES))
    heat = torch.stack(
        [(cloud * (one[..., data.CLASS] == kind)).amax(1) for kind in kinds], 1
    )
    inside = (x + 0.5 > x0) & (x + 0.5 < x1) & (y + 0.5 > y0) & (y + 0.5 < y1)
    ignored = (inside & there & ~counts).any(1)

    # The regressed values of a cell are those of the object whose cloud is strongest there.
    weight, owner = cloud.max(1)
    weight = torch.where(weight > 0.25, weight, 0.0)
    pick = lambda value: value[..., 0, 0].gather(1, owner.flatten(1)).view(owner.shape)
    scale = stride / network.SIZE_SCALE
    offset = torch.stack([pick(cx) - x, pick(cy) - y], 1)
    size = torch.stack([pick(w), pick(h)], 1) * scale
    yaw = torch.stack([pick(one[..., data.COS]), pick(one[..., data.SIN])], 1)
    return heat, ignored, offset, size, yaw, weight, pick(one[..., data.ORDER]) > 0


def loss(maps, rows, height, width):
    heat, ignored, offset, size, yaw, weight, turns = targets(rows, height, width)
    logits, offset_is, size_is, yaw_is = maps
    # Focal loss of CornerNet (Law and Deng 2018), equation 1.
    p = logits.sigmoid()
    hit = heat > 0.999
    positive = -((1 - p) ** 2) * F.logsigmoid(logits)
    negative = -((1 - heat) ** 4) * p**2 * F.logsigmoid(-logits)
    focal = torch.where(hit, positive, negative * ~ignored[:, None])
    focal = focal.sum() / hit.sum().clamp(min=1)
    total = weight.sum().clamp(min=1)
    # At an object's cells, which class it is: small things differ by few pixels.
    named = F.cross_entropy(logits, heat.argmax(1), reduction="none")
    mean = lambda value, w: (value * w).sum() / total
    return (
        focal
        + mean(named, weight)
        + mean((offset_is - offset).abs().sum(1), weight)
        + mean((size_is - size).abs().sum(1), weight)
        + 0.3 * mean(((yaw_is - yaw) ** 2).sum(1), weight * turns)
    )


def disturb(pictures):
    """Exposure, colours, contrast, blur and noise, then the network's normalisation."""
    n, height, width, _ = pictures.shape
    draw = lambda low, high, *shape: low + (high - low) * torch.rand(n, *shape)
    eye = torch.eye(3)
    # Other hues than those that were drawn: channels change places.
    turns = torch.stack([eye[torch.randperm(3)] if np.random.rand() < 0.5 else eye for _ in range(n)])
    vivid = draw(0.4, 1.3, 1, 1)
    vivid = vivid * eye + (1 - vivid) / 3
    cast = torch.exp(draw(-0.4, 0.3, 1, 1)) * draw(0.88, 1.12, 3, 1)
    contrast = draw(0.75, 1.2, 1, 1)
    mix = contrast * cast * (vivid @ turns)
    shift = 0.5 - 0.5 * contrast
    flat = pictures.reshape(n, height * width, 3).float().transpose(1, 2)
    x = torch.baddbmm(shift.expand(n, 3, 1), mix / 255.0, flat).view(n, 3, height, width)
    for one in np.flatnonzero(np.random.rand(n) < 0.25):
        soft = F.avg_pool2d(x[one], 3, stride=1, padding=1, count_include_pad=False)
        x[one] = torch.lerp(x[one], soft, 0.3 + 0.7 * np.random.rand())
    x += 0.03 * draw(0, 1, 1, 1, 1) ** 2 * noise(n, 3, height, width)
    return (x.clamp_(0, 1) - network.MEAN) / network.STD


def disturb_depth(depth):
    """Noise, holes beside steps, holes anywhere, and now and then no depth at all."""
    n, _, height, width = depth.shape
    x = depth + 0.0012 * torch.rand(n, 1, 1, 1) ** 2 * depth**2 * noise(n, 1, height, width)
    known = depth > 0
    for one in range(n):
        if np.random.rand() < 0.06:
            known[one] = False
        elif np.random.rand() < 0.4:
            here = depth[one]
            step = F.max_pool2d(here, 3, 1, 1) + F.max_pool2d(-here, 3, 1, 1) > 0.03
            known[one] &= ~(step & (torch.rand_like(here) < 0.6 * np.random.rand()))
        for _ in range(np.random.randint(0, 4) if np.random.rand() < 0.3 else 0):
            h, w = np.random.randint(2, 25, 2)
            top, left = np.random.randint(height - h), np.random.randint(width - w)
            known[one, :, top : top + h, left : left + w] = False
    return x * known


NOISE = torch.randn(1 << 22)


def noise(*shape):
    """Normal numbers, cut at random places out of many: drawing them takes longer."""
    count = int(np.prod(shape[1:]))
    starts = np.random.randint(0, len(NOISE) - count, shape[0])
    return torch.stack([NOISE[s : s + count] for s in starts]).view(shape)


def feed(sets, ready, seed):
    rng = np.random.default_rng(seed)
    np.random.seed(seed % (1 << 32))
    for pictures, depths, rows in data.batches(sets, BATCH // dist.get_world_size(), rng):
        ready.put((torch.from_numpy(pictures), torch.from_numpy(depths)[:, None], torch.from_numpy(rows)))


def store(path, **parts):
    torch.save(parts, path + ".part")
    os.replace(path + ".part", path)


def average_gradients(parameters):
    flat = torch.cat([p.grad.flatten() for p in parameters])
    dist.all_reduce(flat)
    flat /= dist.get_world_size()
    for p, mean in zip(parameters, flat.split([p.numel() for p in parameters])):
        p.grad.copy_(mean.view_as(p))


def work(rank, processes, meet, out, minutes, names):
    torch.set_num_threads(1)
    dist.init_process_group("gloo", init_method=f"file://{meet}", rank=rank, world_size=processes)
    torch.manual_seed(0)
    own, averaged = network.Network(), network.Network()
    own = own.to(memory_format=torch.channels_last)
    decayed = [p for p in own.parameters() if p.ndim > 1]
    others = [p for p in own.parameters() if p.ndim == 1]
    optimiser = torch.optim.AdamW(
        [{"params": decayed, "weight_decay": 5e-3}, {"params": others, "weight_decay": 0.0}],
        lr=PEAK_RATE, betas=(0.9, 0.99),
    )
    steps, spent_s = 0, 0.0
    if os.path.exists(out):
        stored = torch.load(out)
        own.load_state_dict(stored["own"])
        averaged.load_state_dict(stored["averaged"])
        optimiser.load_state_dict(stored["optimiser"])
        steps, spent_s = stored["steps"], stored["spent_s"]
        if rank == 0:
            print(f"goes on from {out}: {steps} steps, {spent_s / 60:.1f} minutes", flush=True)
    else:
        averaged.load_state_dict(own.state_dict())
    averaged.requires_grad_(False)

    sets, ready = [data.Set(name) for name in names], queue.Queue(4)
    seed = (time.time_ns() + 977 * rank) % (1 << 31)
    torch.manual_seed(seed)
    threading.Thread(target=feed, args=(sets, ready, seed), daemon=True).start()
    parameters = list(own.parameters())
    losses, stored_at, last = [], time.monotonic(), time.monotonic()
    while (share := spent_s / (60 * minutes)) < 1:
        pictures, depths, rows = ready.get()
        rate = PEAK_RATE * min(1.0, (steps + 1) / WARM_UP_STEPS)
        rate *= 0.01 + 0.99 * (0.5 + 0.5 * np.cos(np.pi * share))
        for group in optimiser.param_groups:
            group["lr"] = float(rate)
        with torch.autocast("cpu", torch.bfloat16):
            maps = own(disturb(pictures), disturb_depth(depths))
        value = loss(maps, rows, *pictures.shape[1:3])
        optimiser.zero_grad()
        value.backward()
        average_gradients(parameters)
        torch.nn.utils.clip_grad_norm_(parameters, 5.0)
        optimiser.step()
        steps += 1
        keep = min(AVERAGING, steps / (steps + 20))
        for mean, now in zip(averaged.state_dict().values(), own.state_dict().values()):
            if mean.is_floating_point():
                mean.lerp_(now, 1 - keep)
        losses.append(value.item())
        now = time.monotonic()
        # All go by the clock of the first, so that they end together.
        clock = torch.tensor([spent_s + now - last], dtype=torch.float64)
        dist.broadcast(clock, 0)
        spent_s, last = clock.item(), now
        if rank == 0 and (now - stored_at > STORE_EVERY_S or spent_s >= 60 * minutes):
            stored_at = now
            print(f"{share:4.0%} {steps} steps, loss {np.mean(losses):.3f}", flush=True)
            losses = []
            store(
                out, own=own.state_dict(), averaged=averaged.state_dict(),
                optimiser=optimiser.state_dict(), steps=steps, spent_s=spent_s,
            )


def main(out, minutes, processes, names):
    with tempfile.TemporaryDirectory() as folder:
        arguments = (processes, folder + "/meet", out, minutes, names)
        torch.multiprocessing.spawn(work, arguments, nprocs=processes)


if __name__ == "__main__":
    main(sys.argv[1], float(sys.argv[2]), int(sys.argv[3]), sys.argv[4:])
