# shellcheck shell=bash
# Sourced by the other scripts: builds our programs, starts processes with a log file each, waits, and ends them.

# Folder of the log files; the script that starts processes sets it.
logs=
declare -A pid_of=()
# Where parts listen.
declare -A address=()

# What tests need. Of part of the workspace (`-p`) cargo would choose other features of dependencies, and everything
# would be built twice.
build() { cargo build --workspace --all-targets; }

# build_programs NAME...: what people start, without tests and bench. The example makes cargo choose the features that
# `build` has, so that nothing is built twice by whoever runs the tests afterwards.
build_programs() {
  local name programs=(--example echo)
  [ -x "$(binary "$1")" ] || echo "Building; the first time takes some minutes and about 2 GB, later ones seconds."
  for name in "$@"; do programs+=(--bin "$name"); done
  cargo build --workspace "${programs[@]}"
}

# data_folder NAME: where a deployment on PORT keeps its data. Another port is another deployment: two never share one.
data_folder() {
  local suffix=
  [ "${PORT:-8080}" = 8080 ] || suffix=-$PORT
  echo "${DATA:-data}/$1$suffix"
}

# need_port COMMAND: before anything takes minutes.
need_port() {
  [[ ${PORT:-8080} =~ ^[1-9][0-9]{0,4}$ && ${PORT:-8080} -lt 65536 ]] || fail "PORT=$PORT is not a port: $1 PORT=9000"
  is_open "127.0.0.1:${PORT:-8080}" || return 0
  fail "Something listens on port ${PORT:-8080} already. Choose another: $1 PORT=$((${PORT:-8080} + 10))"
}

# Path of a program that build made.
binary() { echo "${CARGO_TARGET_DIR:-target}/debug/$1"; }

# is_ready ADDRESS: whether GET /ready on an internal listener answers 200. Needs nothing but bash.
is_ready() {
  (
    exec 3<>"/dev/tcp/${1%:*}/${1##*:}"
    printf 'GET /ready HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n' "$1" >&3
    IFS= read -r -t 2 status <&3
    [[ $status == 'HTTP/1.1 200'* ]]
  ) 2>/dev/null
}

# is_open ADDRESS: whether anything accepts connections.
is_open() { (exec 3<>"/dev/tcp/${1%:*}/${1##*:}") 2>/dev/null; }

# free_ports COUNT: ports that nobody has, below those that the kernel gives to outgoing connections at any moment.
free_ports() {
  python3 -c '
import random, socket, sys
def is_free(port):
    try:
        return not socket.create_server(("127.0.0.1", port)).close()
    except OSError:
        return False
candidates = filter(is_free, random.sample(range(20000, 32000), 1000))
print(*(next(candidates) for _ in range(int(sys.argv[1]))))' "$1"
}

# choose_ports NAME...: an address for each.
choose_ports() {
  local -a names=("$@") ports
  local i
  read -r -a ports < <(free_ports $#)
  for i in "${!names[@]}"; do address[${names[i]}]=127.0.0.1:${ports[i]}; done
}

# start_stores FOLDER: Redis and the database of the cluster that has its data there.
start_stores() {
  start redis redis-server --bind 127.0.0.1 --port "${address[redis]#*:}" --dir "$1/redis" --save '' \
    --appendonly yes --appendfsync everysec
  start mongo .tools/venv/bin/secantusd-py --host 127.0.0.1 --port "${address[mongo]#*:}" --storage-path "$1/mongo"
  await redis is_open "${address[redis]}"
  await mongo is_open "${address[mongo]}"
}

# note_settings FOLDER: what a command of the api needs to reach that cluster.
note_settings() {
  printf 'ROOKERY_%s=%q\n' REDIS_URL "redis://${address[redis]}" \
    MONGO_URL "mongodb://${address[mongo]}/?directConnection=true" KEYS_DIR "$1/keys" \
    INTERNAL_SECRET "$(<"$1/internal-secret")" >"$1/env"
}

# start NAME PROGRAM [ARGUMENT...]: in a session of its own, so that Ctrl-C reaches only the script, which then ends
# its parts in order; and the kernel ends the part if the script is killed. The log is $logs/NAME.log.
start() {
  local name=$1
  shift
  setsid setpriv --pdeathsig TERM "$@" </dev/null >>"$logs/$name.log" 2>&1 &
  pid_of[$name]=$!
}

runs() { kill -0 "${pid_of[$1]}" 2>/dev/null; }

# await NAME CHECK ARGUMENT: until the check holds; gives up after a minute, or when any part is gone.
await() {
  local name=$1 part end=$((SECONDS + 60)) done=
  shift
  while [ -z "$done" ]; do
    if "$@"; then done=1; else sleep 0.1; fi
    # Looked at after the check: somebody else may listen where a part of ours could not.
    for part in "${!pid_of[@]}"; do
      runs "$part" || give_up "$part" "has ended"
    done
    [ $SECONDS -lt $end ] || give_up "$name" "is not up after a minute"
  done
}

give_up() {
  tail -n 20 "$logs/$1.log" >&2
  fail "$1 $2; the end of $logs/$1.log is above."
}

# stop NAME...: asks all of them at once, waits, then insists.
stop() {
  local name names=() end=$((SECONDS + 20))
  for name in "$@"; do
    [ -n "${pid_of[$name]:-}" ] && names+=("$name")
  done
  for name in "${names[@]}"; do kill -TERM "${pid_of[$name]}" 2>/dev/null || true; done
  for name in "${names[@]}"; do
    while runs "$name" && [ $SECONDS -lt $end ]; do sleep 0.05; done
    kill -KILL -- "-${pid_of[$name]}" 2>/dev/null || true
    unset "pid_of[$name]"
  done
}
