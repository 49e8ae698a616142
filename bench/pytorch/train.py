"""A contestant of `npm run bench -- training`: trains in rounds, as asked line by line.

    python3 train.py <folder of the workload>

A line of input is a number of steps; the answer to each is a line of JSON.
"""

import json
import pathlib
import sys
import time

import torch
from torch.nn import functional as F

from models import MODELS, set_parameters


def read(folder, name, kind):
    return torch.frombuffer(bytearray((folder / name).read_bytes()), dtype=kind)


def adam(parameters, rate):
    try:
        return torch.optim.Adam(parameters, lr=rate, foreach=True)
    except TypeError:
        return torch.optim.Adam(parameters, lr=rate)


def main():
    torch.set_num_threads(1)
    folder = pathlib.Path(sys.argv[1])
    given = json.loads((folder / "workload.json").read_text())
    model = MODELS[given["name"]]()
    set_parameters(model, read(folder, "parameters", torch.float32))
    optimizer = adam(model.parameters(), given["learningRate"])
    samples = len(read(folder, "labels", torch.int32))
    if given["name"] == "gpt":
        inputs = read(folder, "inputs", torch.int32).view(-1, given["inputWidth"]).long()
        labels = read(folder, "labels", torch.int32).view(-1, given["inputWidth"]).long()
    else:
        shape = (samples, 1, 28, 28) if given["name"] == "cnn" else (samples, given["inputWidth"])
        inputs = read(folder, "inputs", torch.float32).view(shape)
        labels = read(folder, "labels", torch.int32).long()
    rows = read(folder, "rows", torch.int32).view(-1, given["batch"]).long()

    def step(taken):
        optimizer.zero_grad(set_to_none=True)
        prediction = model(inputs[taken])
        loss = F.cross_entropy(prediction.flatten(0, -2), labels[taken].flatten())
        loss.backward()
        optimizer.step()
        return loss.detach()

    done = 0
    print(json.dumps({"version": torch.__version__}), flush=True)
    for line in sys.stdin:
        steps = int(line)
        before = time.process_time()
        losses = [step(rows[(done + index) % len(rows)]) for index in range(steps)]
        seconds = time.process_time() - before
        done += steps
        answer = {"cpuSeconds": seconds, "losses": [float(loss) for loss in losses]}
        print(json.dumps(answer), flush=True)


main()
