# Trainings, sweeps and simulations on several threads, for the thread sanitizer (preset tsan).
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

small=(--hidden 4 --trajectories 40 --iterations 6 --threads 4 --quiet)
# unraced ARGUMENTS...
unraced() {
  succeeds "$@"
  ! grep -q 'ThreadSanitizer' "$err" || fail "$*: a race"
}
for way in '--optimizer lbfgs --gradient adjoint' '--optimizer least-squares --gradient discrete' \
  '--optimizer lbfgs+least-squares --gradient forward'; do
  # shellcheck disable=SC2086
  unraced train "${small[@]}" $way --checkpoint-interval 0.01 --overwrite -o run.h5
done
unraced simulate --model run.h5 --times 5 --trajectories 40 --threads 4 -o states.h5
unraced sweep "${small[@]}" --runs 8 --checkpoint-interval 0.001 --keep-runs -o sweep.h5
unraced sweep --resume sweep.h5 --runs 12 --quiet
unraced check-gradient --trajectories 40 --hidden 4 --threads 4
finish
