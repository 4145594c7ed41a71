"""The tabletop network: a small encoder-decoder with CenterNet heads, in plain JAX.

Pictures go in as [N, 3, H, W] float32, normalised; maps come out at a quarter of the size.
Parameters are a flat dictionary of arrays, so that they store as one .npz file.
"""

import jax
import jax.numpy as jnp
import numpy as np

CLASSES = ("box", "cylinder", "cross")
SYMMETRY_ORDER = (2, 0, 4)
STRIDE = 4
SIZE_SCALE = 16.0
MEAN = 0.5
STD = 0.25
WIDTHS = (16, 32, 48, 64)
HEADS = {"heatmap": 3, "offset": 2, "size": 2, "yaw": 2}


def _layers():
    """Name, kernel, channels in, channels out of every convolution, in order."""
    w0, w1, w2, w3 = WIDTHS
    yield "stem", 3, 3, w0
    yield "down1", 3, w0, w1
    for i in range(2):
        yield f"fine{i}", 3, w1, w1
    yield "down2", 3, w1, w2
    for i in range(2):
        yield f"middle{i}", 3, w2, w2
    yield "down3", 3, w2, w3
    for i in range(2):
        yield f"coarse{i}", 3, w3, w3
    yield "up2", 1, w3, w2
    yield "join2", 3, w2, w2
    yield "up1", 1, w2, w1
    yield "join1", 3, w1, w2
    yield "heads", 1, w2, sum(HEADS.values())


def random_parameters(seed):
    """He initialisation; the heatmap starts out saying "nothing here"."""
    rng = np.random.default_rng(seed)
    parameters = {}
    for name, kernel, channels_in, channels_out in _layers():
        spread = np.sqrt(2.0 / (kernel * kernel * channels_in))
        if name == "heads":
            spread *= 0.3
        shape = (channels_out, channels_in, kernel, kernel)
        parameters[name + ".w"] = (spread * rng.standard_normal(shape)).astype(np.float32)
        parameters[name + ".b"] = np.zeros(channels_out, np.float32)
    parameters["heads.b"][: HEADS["heatmap"]] = -4.0
    return {name: jnp.asarray(value) for name, value in parameters.items()}


def _convolve(parameters, name, x, stride=1):
    weights = parameters[name + ".w"]
    pad = weights.shape[2] // 2
    y = jax.lax.conv_general_dilated(
        x,
        weights.transpose(2, 3, 1, 0),
        window_strides=(stride, stride),
        padding=((pad, pad), (pad, pad)),
        dimension_numbers=("NHWC", "HWIO", "NHWC"),
    )
    return y + parameters[name + ".b"]


def _block(parameters, name, x):
    y = jax.nn.relu(_convolve(parameters, name + "0", x))
    y = _convolve(parameters, name + "1", y)
    return jax.nn.relu(x + y)


def _double(x):
    """Nearest-neighbour enlargement by two."""
    n, h, w, c = x.shape
    x = jnp.broadcast_to(x[:, :, None, :, None, :], (n, h, 2, w, 2, c))
    return x.reshape(n, 2 * h, 2 * w, c)


def apply(parameters, image):
    """Maps for normalised pictures: (heatmap logits, offset, size, yaw).

    Channels come first at both ends; in between they come last, which XLA is faster at.
    """
    image = image.transpose(0, 2, 3, 1)
    x = jax.nn.relu(_convolve(parameters, "stem", image, stride=2))
    x = jax.nn.relu(_convolve(parameters, "down1", x, stride=2))
    fine = _block(parameters, "fine", x)
    x = jax.nn.relu(_convolve(parameters, "down2", fine, stride=2))
    middle = _block(parameters, "middle", x)
    x = jax.nn.relu(_convolve(parameters, "down3", middle, stride=2))
    coarse = _block(parameters, "coarse", x)
    x = _double(_convolve(parameters, "up2", coarse)) + middle
    x = jax.nn.relu(_convolve(parameters, "join2", x))
    x = _double(_convolve(parameters, "up1", x)) + fine
    x = jax.nn.relu(_convolve(parameters, "join1", x))
    maps = _convolve(parameters, "heads", x).transpose(0, 3, 1, 2)
    outputs, first = [], 0
    for channels in HEADS.values():
        outputs.append(maps[:, first : first + channels])
        first += channels
    return tuple(outputs)


def normalise(pictures):
    """Bytes [N, H, W, 3] to the network's input."""
    values = (pictures.astype(np.float32) / 255.0 - MEAN) / STD
    return np.ascontiguousarray(values.transpose(0, 3, 1, 2))


def save(path, parameters):
    np.savez(path, **{name: np.asarray(value) for name, value in parameters.items()})


def load(path):
    with np.load(path) as stored:
        return {name: jnp.asarray(stored[name]) for name in stored.files}
