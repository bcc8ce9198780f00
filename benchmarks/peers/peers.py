#!/usr/bin/env python3
"""Adds other packages' gradients to the benchmark of an isochron file.

    python3 benchmarks/peers/peers.py FILE [--rtol 1e-10] [--repeats 3] [--trajectories N]

FILE is a results file of `isochron train`, to which `isochron benchmark FILE --append` has
added a benchmark. The script takes the network's initial weights and the initial states from
/run, computes the same loss and its gradient, and adds a row per method to /benchmark/table:

- scipy: solve_ivp with DOP853 on states and sensitivities (the variational equations), float64;
- torchdiffeq, where torch and torchdiffeq are installed: dopri8, float64, by back-propagation
  through the solver and by its adjoint.

Errors are relative to scipy's gradient at rtol 1e-13. Needs h5py, numpy and scipy. The file is
replaced by a complete new one at the end.
"""

import argparse
import json
import os
import shutil
import statistics
import sys
import tempfile
import time

import h5py
import numpy as np
import scipy
from scipy.integrate import solve_ivp


def fail(sentence):
    print(f"peers.py: {sentence}", file=sys.stderr)
    sys.exit(2)


class Problem:
    """Weights, initial states, end time and loss of a run, for one degree of freedom."""

    def __init__(self, file, trajectories):
        for name in ("run/model/theta_initial", "run/model/layers", "run/data/initial_states"):
            if name not in file:
                fail(f"{file.filename} holds no {name}: give the file of a training run")
        self.layers = [int(n) for n in file["run/model/layers"][()]]
        self.theta = file["run/model/theta_initial"][()]
        states = file["run/data/initial_states"][()]
        if self.layers[0] != 1 or states.shape[1] != 2:
            fail("only one degree of freedom, x'' = f(x), is implemented here")
        model = file["run/model"]
        if "skip" in model and model["skip"][()] != 0:
            fail("only networks without a linear skip are implemented here")
        self.states = states[:trajectories] if trajectories else states
        end_times = file["run/data/end_times"][()]
        self.end_time = float(end_times[0])
        loss = json.loads(file["run/config/data"][()])["options"]["loss"]
        if loss not in ("periodic", "antiperiodic"):
            fail(f"the loss of {file.filename} is {loss}; periodic and antiperiodic are known here")
        # r = X(T) - X(0) or, antiperiodic, X(T/2) + X(0).
        self.sign = 1.0 if loss == "antiperiodic" else -1.0
        self.bias = self.theta.size != sum(a * b for a, b in zip(self.layers, self.layers[1:]))

    def weights(self, theta):
        """[(W, b), ..] from theta: per layer the weights (out x in), then the biases."""
        result, at = [], 0
        for inputs, outputs in zip(self.layers, self.layers[1:]):
            w = theta[at : at + inputs * outputs].reshape(outputs, inputs)
            at += inputs * outputs
            b = None
            if self.bias:
                b = theta[at : at + outputs]
                at += outputs
            result.append((w, b))
        return result

    def gradient(self, final_states, jacobian):
        """Of mean |r|^2, from dX(T)/dtheta [N, 2, P]."""
        r = final_states + self.sign * self.states
        return float((r**2).sum() / len(r)), 2.0 / len(r) * np.einsum("nd,ndp->p", r, jacobian)


def force_and_slopes(problem, weights, q):
    """f [N], df/dq [N] and df/dtheta [N, P] at positions q [N]."""
    activations = [q[:, None]]
    for k, (w, b) in enumerate(weights):
        z = activations[-1] @ w.T + (0 if b is None else b)
        activations.append(np.tanh(z) if k + 1 < len(weights) else z)
    delta = np.ones((len(q), 1))
    parts = []
    for k in range(len(weights) - 1, -1, -1):
        if problem.bias:
            parts.append(delta)
        parts.append(np.einsum("no,ni->noi", delta, activations[k]).reshape(len(q), -1))
        delta = delta @ weights[k][0]
        if k > 0:
            delta = delta * (1 - activations[k] ** 2)
    return activations[-1][:, 0], delta[:, 0], np.concatenate(parts[::-1], axis=1)


def scipy_gradient(problem, rtol):
    n, p = len(problem.states), problem.theta.size
    weights = problem.weights(problem.theta)

    def derivative(_, y):
        x, v = y[:n], y[n : 2 * n]
        s = y[2 * n :].reshape(2, n, p)
        f, slope, by_theta = force_and_slopes(problem, weights, x)
        return np.concatenate([v, f, s[1].ravel(), (slope[:, None] * s[0] + by_theta).ravel()])

    start = np.concatenate([problem.states[:, 0], problem.states[:, 1], np.zeros(2 * n * p)])
    solution = solve_ivp(derivative, (0, problem.end_time), start, method="DOP853",
                         rtol=max(rtol, 2.3e-14), atol=rtol, t_eval=[problem.end_time])
    if not solution.success:
        raise RuntimeError(solution.message)
    y = solution.y[:, -1]
    jacobian = y[2 * n :].reshape(2, n, p).transpose(1, 0, 2)
    _, gradient = problem.gradient(np.stack([y[:n], y[n : 2 * n]], axis=1), jacobian)
    return gradient, solution.nfev


def torch_gradient(problem, rtol, adjoint):
    import torch
    import torchdiffeq

    class Field(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.theta = torch.nn.Parameter(torch.tensor(problem.theta))
            self.evaluations = 0

        def forward(self, _, y):
            self.evaluations += 1
            a = y[:, :1]
            for k, (w, b) in enumerate(problem.weights(self.theta)):
                a = a @ w.T + (0 if b is None else b)
                if k + 2 < len(problem.layers):
                    a = torch.tanh(a)
            return torch.cat([y[:, 1:], a], dim=1)

    torch.set_num_threads(1)
    field = Field()
    start = torch.tensor(problem.states)
    solve = torchdiffeq.odeint_adjoint if adjoint else torchdiffeq.odeint
    times = torch.tensor([0.0, problem.end_time], dtype=torch.float64)
    final = solve(field, start, times, rtol=rtol, atol=rtol, method="dopri8")[-1]
    ((final + problem.sign * start) ** 2).sum(dim=1).mean().backward()
    return field.theta.grad.numpy(), field.evaluations


def measure(problem, reference, repeats, compute):
    """(seconds sorted, relative error, evaluations)."""
    seconds = []
    for _ in range(repeats):
        start = time.perf_counter()
        gradient, evaluations = compute()
        seconds.append(time.perf_counter() - start)
    error = np.linalg.norm(gradient - reference) / np.linalg.norm(reference)
    return sorted(seconds), error, evaluations


def row(problem, package, method, integrator, rtol):
    hidden = problem.layers[1:-1]
    return {
        "sweep": "tolerance", "method": method, "integrator": integrator, "task": "gradient",
        "start": "random", "status": "ok", "parameters": problem.theta.size,
        "trajectories": len(problem.states), "threads": 1, "width": hidden[0] if hidden else 0,
        "depth": len(hidden), "rtol": rtol, "end_time": problem.end_time, "package": package,
        "precision": "double",
    }


def contestants(problem, rtol):
    yield (row(problem, f"scipy {scipy.__version__}", "forward", "dop853", rtol),
           lambda: scipy_gradient(problem, rtol))
    try:
        import torch
        import torchdiffeq
    except ImportError as missing:
        print(f"not measured: torchdiffeq ({missing.name} is not installed)")
        return
    package = f"torchdiffeq {torchdiffeq.__version__}, torch {torch.__version__}"
    yield (row(problem, package, "discrete", "dopri8", rtol),
           lambda: torch_gradient(problem, rtol, adjoint=False))
    yield (row(problem, package, "adjoint", "dopri8", rtol),
           lambda: torch_gradient(problem, rtol, adjoint=True))


def add_rows(path, rows):
    """Appends to /benchmark/table in a copy of the file, which then takes its place."""
    folder = os.path.dirname(os.path.abspath(path))
    handle, copy = tempfile.mkstemp(suffix=".tmp", prefix=os.path.basename(path), dir=folder)
    os.close(handle)
    try:
        shutil.copyfile(path, copy)
        shutil.copymode(path, copy)
        with h5py.File(copy, "r+") as file:
            old = file["benchmark/table"]
            types = []
            for name in old.dtype.names:
                kind = old.dtype[name]
                if kind.kind == "S":
                    longest = max([kind.itemsize] + [len(r.get(name, "")) for r in rows])
                    kind = h5py.string_dtype("ascii", longest)
                types.append((name, kind))
            table = np.zeros(len(old) + len(rows), dtype=types)
            for name in old.dtype.names:
                table[name][: len(old)] = old[name]
            for at, values in enumerate(rows, start=len(old)):
                for name in old.dtype.names:
                    if name in values:
                        table[name][at] = values[name]
                    elif table.dtype[name].kind == "f":
                        table[name][at] = np.nan
            attributes = dict(old.attrs)
            del file["benchmark/table"]
            new = file.create_dataset("benchmark/table", data=table)
            for name, value in attributes.items():
                new.attrs[name] = value
        with open(copy, "rb") as file:
            os.fsync(file.fileno())
        os.replace(copy, path)
    except BaseException:
        os.unlink(copy)
        raise


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("file")
    parser.add_argument("--rtol", type=float, default=1e-10, help="1e-13 .. 1e-1")
    parser.add_argument("--repeats", type=int, default=3, help="of each measurement; >= 1")
    parser.add_argument("--trajectories", type=int, help="only the first so many")
    options = parser.parse_args()
    if not 1e-13 <= options.rtol <= 1e-1:
        fail(f"--rtol {options.rtol:g} is not admissible; give a number from 1e-13 to 1e-1")
    if options.repeats < 1:
        fail(f"--repeats {options.repeats} is not admissible; give a positive number")
    try:
        with h5py.File(options.file) as file:
            if "benchmark/table" not in file:
                fail(f"{options.file} holds no benchmark: add one by isochron benchmark --append")
            problem = Problem(file, options.trajectories)
    except OSError as error:
        fail(f"cannot read {options.file}: {error}")

    reference, _ = scipy_gradient(problem, 1e-13)
    rows = []
    for values, compute in contestants(problem, options.rtol):
        try:
            seconds, error, evaluations = measure(problem, reference, options.repeats, compute)
            values.update(seconds=statistics.median(seconds), seconds_low=seconds[0],
                          seconds_high=seconds[-1], error=error, rhs_forward=evaluations,
                          repeats=options.repeats)
            print(f"{values['package']}, {values['method']}, {values['integrator']}: "
                  f"{1e3 * values['seconds']:.4g} ms, error {error:.1e}")
        except Exception as failure:  # a package's failure is a row, not the end
            values.update(status=str(failure).splitlines()[0][:200])
            print(f"{values['package']}, {values['method']}: {values['status']}")
        rows.append(values)
    add_rows(options.file, rows)
    print(f"added {len(rows)} rows to {options.file}")


if __name__ == "__main__":
    main()
