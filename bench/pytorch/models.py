"""The models that are compared, as bench/training/models.ts has them."""

import math

import torch
from torch import nn
from torch.nn import functional as F


class Mlp(nn.Module):
    """784-256-128-10 with ReLU."""

    def __init__(self, sizes=(784, 256, 128, 10)):
        super().__init__()
        self.layers = nn.ModuleList(nn.Linear(a, b) for a, b in zip(sizes, sizes[1:]))

    def forward(self, x):
        for layer in self.layers[:-1]:
            x = F.relu(layer(x))
        return self.layers[-1](x)


class Cnn(nn.Module):
    """Two blocks of Conv 3 x 3, ReLU and MaxPool 2 x 2, and a linear layer."""

    def __init__(self, channels=(1, 16, 32), size=28, classes=10):
        super().__init__()
        self.layers = nn.ModuleList(
            nn.Conv2d(a, b, 3, padding=1) for a, b in zip(channels, channels[1:])
        )
        side = size // 2 ** len(self.layers)
        self.output = nn.Linear(channels[-1] * side * side, classes)

    def forward(self, x):
        for layer in self.layers:
            x = F.max_pool2d(F.relu(layer(x)), 2)
        return self.output(x.flatten(1))


class Block(nn.Module):
    """A decoder block with the normalization in front, exact GELU, no dropout."""

    def __init__(self, size, heads, places):
        super().__init__()
        self.heads = heads
        self.norm1 = nn.LayerNorm(size)
        self.mixed = nn.Linear(size, 3 * size)
        self.out = nn.Linear(size, size)
        self.norm2 = nn.LayerNorm(size)
        self.up = nn.Linear(size, 4 * size)
        self.down = nn.Linear(4 * size, size)
        future = torch.full((places, places), -1e9).triu(1)
        self.register_buffer("future", future, persistent=False)

    def forward(self, x):
        batch, places, size = x.shape
        shape = (batch, places, self.heads, size // self.heads)
        q, k, v = (part.view(shape).transpose(1, 2) for part in self.mixed(self.norm1(x)).split(size, 2))
        scores = q @ k.transpose(2, 3) * math.sqrt(self.heads / size) + self.future
        summed = F.softmax(scores, 3) @ v
        x = x + self.out(summed.transpose(1, 2).reshape(batch, places, size))
        return x + self.down(F.gelu(self.up(self.norm2(x))))


class Gpt(nn.Module):
    def __init__(self, layers=2, size=128, heads=4, places=64, vocabulary=512):
        super().__init__()
        self.token = nn.Embedding(vocabulary, size)
        self.place = nn.Parameter(torch.randn(places, size) * 0.02)
        self.blocks = nn.ModuleList(Block(size, heads, places) for _ in range(layers))
        self.norm = nn.LayerNorm(size)
        self.head = nn.Linear(size, vocabulary, bias=False)

    def forward(self, tokens):
        x = self.token(tokens) + self.place
        for block in self.blocks:
            x = block(x)
        return self.head(self.norm(x))

    def ordered_parameters(self):
        yield self.token.weight
        yield self.place
        for block in self.blocks:
            yield from block.parameters()
        yield from self.norm.parameters()
        yield from self.head.parameters()


MODELS = {"mlp": Mlp, "cnn": Cnn, "gpt": Gpt}


def set_parameters(model, flat):
    """Takes over the parameters of models.ts: the matrices of the GPT stand the other way round."""
    turned = set()
    if isinstance(model, Gpt):
        turned = {id(m.weight) for m in model.modules() if isinstance(m, nn.Linear)}
    ordered = model.ordered_parameters() if isinstance(model, Gpt) else model.parameters()
    offset = 0
    with torch.no_grad():
        for parameter in ordered:
            values = flat[offset : offset + parameter.numel()]
            offset += parameter.numel()
            if id(parameter) in turned:
                parameter.copy_(values.view(parameter.shape[::-1]).t())
            else:
                parameter.copy_(values.view(parameter.shape))
    assert offset == len(flat), (offset, len(flat))
