"""A contestant of `npm run bench -- training`: whole updates of soft actor-critic (Haarnoja et al. 2018b),
as training/sac has them, on a replay buffer full of noise. A line of input is a number of updates."""

import itertools
import json
import math
import sys
import time

import torch
from torch import nn
from torch.nn import functional as F

OBSERVATION, ACTION, HIDDEN, BATCH, TRANSITIONS = 64, 8, 256, 256, 4096
RATE, DISCOUNT, TARGET_RATE = 3e-4, 0.99, 0.005
DEVIATION_MIN, DEVIATION_MAX = -20, 2


def network(inputs, outputs):
    return nn.Sequential(
        nn.Linear(inputs, HIDDEN), nn.ReLU(), nn.Linear(HIDDEN, HIDDEN), nn.ReLU(), nn.Linear(HIDDEN, outputs)
    )


def adam(parameters):
    parameters = list(parameters)
    try:
        return torch.optim.Adam(parameters, lr=RATE, foreach=True)
    except TypeError:
        return torch.optim.Adam(parameters, lr=RATE)


class Sac:
    def __init__(self):
        self.actor = network(OBSERVATION, 2 * ACTION)
        self.critics = [network(OBSERVATION + ACTION, 1) for _ in range(2)]
        self.targets = [network(OBSERVATION + ACTION, 1) for _ in range(2)]
        for critic, target in zip(self.critics, self.targets):
            target.load_state_dict(critic.state_dict())
        self.log_temperature = torch.zeros(1, requires_grad=True)
        self.critic_parameters = list(itertools.chain(*(c.parameters() for c in self.critics)))
        self.target_parameters = list(itertools.chain(*(t.parameters() for t in self.targets)))
        self.actor_adam = adam(self.actor.parameters())
        self.critic_adam = adam(self.critic_parameters)
        self.temperature_adam = adam([self.log_temperature])
        self.observations = torch.randn(TRANSITIONS, OBSERVATION)
        self.next = torch.randn(TRANSITIONS, OBSERVATION)
        self.actions = torch.randn(TRANSITIONS, ACTION).tanh()
        self.rewards = torch.randn(TRANSITIONS, 1)
        self.continues = (torch.rand(TRANSITIONS, 1) >= 0.01).float()

    def act(self, observations):
        mean, deviation = self.actor(observations).chunk(2, 1)
        deviation = deviation.clamp(DEVIATION_MIN, DEVIATION_MAX)
        noise = torch.randn_like(mean)
        raw = mean + deviation.exp() * noise
        log_density = -0.5 * noise * noise - deviation - 0.5 * math.log(2 * math.pi)
        correction = 2 * (math.log(2) - raw - F.softplus(-2 * raw))
        return raw.tanh(), (log_density - correction).sum(1, keepdim=True)

    def update(self):
        rows = torch.randint(TRANSITIONS, (BATCH,))
        observations, following = self.observations[rows], self.next[rows]
        temperature = self.log_temperature.detach().exp()
        with torch.no_grad():
            action, log_density = self.act(following)
            both = torch.cat([following, action], 1)
            value = torch.minimum(*(target(both) for target in self.targets))
            wanted = self.rewards[rows] + DISCOUNT * self.continues[rows] * (value - temperature * log_density)
        taken = torch.cat([observations, self.actions[rows]], 1)
        critic_loss = sum(F.mse_loss(critic(taken), wanted) for critic in self.critics)
        self.critic_adam.zero_grad(set_to_none=True)
        critic_loss.backward()
        self.critic_adam.step()

        for parameter in self.critic_parameters:
            parameter.requires_grad_(False)
        action, log_density = self.act(observations)
        both = torch.cat([observations, action], 1)
        value = torch.minimum(*(critic(both) for critic in self.critics))
        actor_loss = (temperature * log_density - value).mean()
        self.actor_adam.zero_grad(set_to_none=True)
        actor_loss.backward()
        self.actor_adam.step()
        for parameter in self.critic_parameters:
            parameter.requires_grad_(True)

        temperature_loss = -(self.log_temperature.exp() * (log_density.detach() - ACTION)).mean()
        self.temperature_adam.zero_grad(set_to_none=True)
        temperature_loss.backward()
        self.temperature_adam.step()
        with torch.no_grad():
            torch._foreach_mul_(self.target_parameters, 1 - TARGET_RATE)
            torch._foreach_add_(self.target_parameters, self.critic_parameters, alpha=TARGET_RATE)
        return critic_loss.detach()


def main():
    torch.set_num_threads(1)
    torch.manual_seed(1)
    sac = Sac()
    print(json.dumps({"version": torch.__version__}), flush=True)
    for line in sys.stdin:
        before = time.process_time()
        losses = [sac.update() for _ in range(int(line))]
        seconds = time.process_time() - before
        print(json.dumps({"cpuSeconds": seconds, "losses": [float(loss) for loss in losses]}), flush=True)


main()
