# netCDF and xarray open every group of every kind of file, with named axes; also of files that were
# written again beside what another program had put into them.
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

/usr/bin/python3 -c 'import h5netcdf, h5py, netCDF4, xarray' 2>/dev/null ||
  skip 'needs python3-xarray, python3-h5netcdf, python3-netcdf4 and python3-h5py'

quick+=(--hidden 4)
succeeds train "${quick[@]}" -o training.h5
succeeds train "${quick[@]}" --dimension 2 -o plane.h5
succeeds train "${quick[@]}" --dynamics first-order --dimension 2 -o first_order.h5
succeeds train "${quick[@]}" --loss prescribed-period --period-law pendulum --law-range 0.5,2 -o law.h5
succeeds train --trajectories 10 --iterations 0 --quiet -o untrained.h5
succeeds simulate --force pendulum --trajectories 6 --times 12 --noise 0.05 -o orbits.h5
fit=(train --data orbits.h5:/run/trajectories --hidden 3 --max-time 60 --iterations 8 --quiet)
succeeds "${fit[@]}" --holdout 0.4 -o fit.h5
succeeds "${fit[@]}" --force pendulum+mlp --fit omega --fit-initial-states -o known.h5
succeeds sweep "${quick[@]}" --runs 2 --grid 'symmetry=none; symmetry=odd' --keep-runs -o sweep.h5
succeeds benchmark --quick --trajectories 5 --budget 0.01 --quiet -o benchmark.h5

# Another program attaches an array of its own to an axis of isochron's, which then writes again.
cp training.h5 edited.h5
/usr/bin/python3 - edited.h5 <<'PYTHON'
import sys, h5py, numpy
with h5py.File(sys.argv[1], "r+") as file:
    training = file["run/training"]
    training["own"] = numpy.arange(len(training["loss"]))
    training["own"].dims[0].attach_scale(training["iteration"])
PYTHON
succeeds analyze --store edited.h5
succeeds benchmark --quick --trajectories 5 --budget 0.01 --quiet --at edited.h5 --append
cp edited.h5 twice.h5
succeeds analyze --store twice.h5

cat >check.py <<'PYTHON'
import os, signal, sys, warnings
import h5netcdf, h5py, netCDF4, numpy, xarray
warnings.simplefilter("ignore")
engine, *paths = sys.argv[1:]
# Each in a process of its own, which starts with everything loaded: netCDF ends it where it cannot read a file.
failed = []
for path in paths:
    child = os.fork()
    if child == 0:
        break
    if os.waitpid(child, 0)[1] != 0:
        failed.append(path)
else:
    print("not as it should be:", *failed, file=sys.stderr)
    sys.exit(len(failed) > 0)
signal.alarm(120)
wrong = []
with h5py.File(path) as file:
    groups = ["/"]
    file.visititems(lambda name, item: groups.append(name) if isinstance(item, h5py.Group) else None)
    held = {group: {name: data[()] for name, data in file[group].items()
                    # The letters of a text are joined.
                    if isinstance(data, h5py.Dataset) and data.dtype.kind in "fiu" and not name.endswith("_letter")}
            for group in groups}
# Opened once for all groups.
if engine == "h5netcdf":
    netcdf, store = h5netcdf.File(path, "r"), xarray.backends.H5NetCDFStore
else:
    netcdf, store = netCDF4.Dataset(path), xarray.backends.NetCDF4DataStore
for group in groups:
    try:
        found = xarray.open_dataset(store(netcdf if group == "/" else netcdf[group])).load()
    except Exception as error:
        wrong.append(f"{group}: {type(error).__name__} {error}")
        continue
    wrong += [f"{group}: {name}" for name in found.dims if str(name).startswith("phony")]
    for name, values in held[group].items():
        if name not in found.variables:
            wrong.append(f"{group}/{name} is not seen")
        elif not numpy.array_equal(found[name].values, values, equal_nan=True):
            wrong.append(f"{group}/{name} has other values")


def axes(group, name, *expected):
    data = xarray.open_dataset(path, group=group, engine=engine)[name]
    if data.dims != expected:
        wrong.append(f"{group}/{name} has the axes {data.dims}")
    return data


if path in ("training.h5", "edited.h5", "twice.h5"):
    axes("run/training", "loss", "iteration").sel(iteration=0)
    axes("run/data", "initial_states", "trajectory", "component")
    axes("run/orbits", "v", "orbit", "time")
    axes("run/model", "theta", "parameter")
if path in ("edited.h5", "twice.h5"):
    axes("run/training", "own", "iteration")
    axes("run/analysis/period", "period", "energy")
    with h5py.File(path) as file:
        users = [file[entry[0]].name for entry in file["run/training/iteration"].attrs["REFERENCE_LIST"]]
    if sorted(users) != sorted(set(users)) or "/run/training/own" not in users:
        wrong.append(f"the iteration is attached to {users}")
if path in ("benchmark.h5", "edited.h5", "twice.h5"):
    axes("benchmark/cost_over_parameters", "adjoint_adams_gradient", "parameters")
    table = xarray.open_dataset(path, group="benchmark/columns", engine=engine).to_dataframe()
    if not set(table["method"]) >= {"adjoint", "discrete"}:
        wrong.append(f"methods are {set(table['method'])}")
if path == "sweep.h5":
    table = xarray.open_dataset(path, group="sweep/columns", engine=engine).to_dataframe()
    if list(table.index) != [0, 1, 2, 3] or set(table["status"]) != {"ok"}:
        wrong.append(f"the table is\n{table}")
    if not table["reason"].str.len().gt(0).all():
        wrong.append("there are no reasons")
if path == "fit.h5":
    axes("run/fit", "q", "trajectory", "sample", "component")
if path == "orbits.h5":
    axes("run/trajectories", "q", "trajectory", "time", "component")
for words in wrong:
    print(f"{path} by {engine}: {words}", file=sys.stderr)
sys.exit(len(wrong) > 0)
PYTHON

/usr/bin/python3 check.py netcdf4 *.h5 >"$out" 2>"$err" || fail netcdf4
# h5netcdf, which is written in Python, sees a run with a benchmark, and a sweep.
/usr/bin/python3 check.py h5netcdf twice.h5 sweep.h5 >"$out" 2>"$err" || fail h5netcdf

# That these checks see an array without its scale.
/usr/bin/python3 -c 'import h5py; file = h5py.File("plane.h5", "r+"); del file["run/training/loss"].attrs["DIMENSION_LIST"]'
/usr/bin/python3 check.py h5netcdf plane.h5 >"$out" 2>"$err" && fail 'a missing scale is not seen'

finish
