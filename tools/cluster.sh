#!/usr/bin/env bash
# The six-node cluster of `make run`: start, stop, show, clean. `node PORT` starts one more empty node.
#
# Environment: ASHLAR_BIN_DIR (default build/bin), ASHLAR_RUN_DIR (default run), ASHLAR_PORTS (default "6001 ... 6006").
# Each node lives in its own folder <run>/<port>: node.conf, node.pid, node.log and its data. Nodes listen on 127.0.0.1.
set -euo pipefail

top=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
bin=$(cd "${ASHLAR_BIN_DIR:-$top/build/bin}" 2>/dev/null && pwd) || bin=${ASHLAR_BIN_DIR:-$top/build/bin}
run=$(realpath -m "${ASHLAR_RUN_DIR:-$top/run}")
read -r -a ports <<<"${ASHLAR_PORTS:-6001 6002 6003 6004 6005 6006}"
host=127.0.0.1
bus_offset=10000
patience_s=60

say() { printf '%s\n' "$*"; }
fail() {
  printf 'error: %s\n' "$*" >&2
  exit 1
}
cli() { timeout 10 "$bin/ashlar-cli" -h "$host" -p "$@"; }
folder() { printf '%s/%s' "$run" "$1"; }

# Prints the process id of the node at port $1, nothing if it does not run. A pid file may outlive its process and the
# number may belong to a stranger by now: only a process that works in the node's own folder counts.
pid_of() {
  local dir pid
  dir=$(folder "$1")
  [[ -r $dir/node.pid ]] || return 0
  pid=$(<"$dir/node.pid")
  [[ $pid =~ ^[0-9]+$ ]] || return 0
  if [[ $(readlink "/proc/$pid/cwd" 2>/dev/null) == "$(cd "$dir" && pwd -P)" ]]; then printf '%s' "$pid"; fi
}

port_taken() { (exec 3<>"/dev/tcp/$host/$1") 2>/dev/null; }

# Calls "$@" until it succeeds, for at most $patience_s seconds.
wait_for() {
  local deadline=$((SECONDS + patience_s))
  until "$@"; do
    ((SECONDS < deadline)) || return 1
    sleep 0.1
  done
}

answers() { [[ $(cli "$1" ping 2>/dev/null) == PONG ]]; }
up_or_dead() { [[ -z $(pid_of "$1") ]] || answers "$1"; }
gone() { [[ ! -d /proc/$1 ]]; }
info_field() { cli "$1" cluster info 2>/dev/null | tr -d '\r' | sed -n "s/^$2://p"; }
# Whether all nodes say that the cluster is well, and have heard of each other's roles and slots.
healthy() {
  local port view first_view=""
  for port in "$@"; do
    [[ $(info_field "$port" cluster_state) == ok ]] || return 1
    (($(info_field "$port" cluster_known_nodes) >= ${#ports[@]})) || return 1
    view=$(cli "$port" cluster nodes 2>/dev/null | tr -d '\r' | awk 'NF >= 8 { $2 = $5 = $6 = $7 = $8 = ""
      sub("myself,", "", $3); print }' | sort)
    [[ -n $view && $view == "${first_view:=$view}" && $view != *handshake* ]] || return 1
  done
}

# Whether the node at port $1 knew other members when it last ran.
knew_others() {
  local file
  file=$(folder "$1")/nodes-$1.conf
  [[ -s $file ]] && (($(grep -c '@' "$file") > 1))
}
# Prints the ports of the nodes that 'make node' started and that have joined the nodes at ${ports[@]}.
joined_ports() {
  local dir port each
  for dir in "$run"/*/; do
    port=$(basename "$dir")
    [[ -e $dir/node.conf && " ${ports[*]} " != *" $port "* ]] || continue
    for each in "${ports[@]}"; do
      if grep -qsF " $host:$port@" "$(folder "$each")/nodes-$each.conf"; then
        printf '%s\n' "$port"
        break
      fi
    done
  done
}

need_programs() {
  local program
  for program in ashlar-server ashlar-cli; do
    [[ -x $bin/$program ]] || fail "$bin/$program is missing; 'make build' puts it there"
  done
}

need_free_ports() {
  local port number taken=()
  for port in "$@"; do
    for number in "$port" $((port + bus_offset)); do
      if port_taken "$number"; then taken+=("$number"); fi
    done
  done
  ((${#taken[@]} == 0)) && return 0
  {
    say "error: in use by another program: port ${taken[*]} (a node needs its port and its port + $bus_offset for the bus)."
    say "  See who holds it:      ss -ltnp 'sport = :${taken[0]}'"
    say "  Or use other ports:    ASHLAR_PORTS='7001 7002 7003 7004 7005 7006' make run"
    say "  Nothing was started."
  } >&2
  exit 1
}

write_config() {
  cat >"$(folder "$1")/node.conf" <<CONF
# Written by tools/cluster.sh at each start.
bind $host
port $1
cluster-enabled yes
cluster-config-file nodes-$1.conf
cluster-node-timeout 5000
appendonly yes
CONF
}

start_process() {
  local dir
  dir=$(folder "$1")
  mkdir -p "$dir"
  write_config "$1"
  (
    cd "$dir" # before the process begins: by its folder it is recognised
    setsid "$bin/ashlar-server" node.conf >>node.log 2>&1 </dev/null &
    printf '%s\n' "$!" >node.pid
  )
}

# Ends the nodes at ports "$@": asks all first, so that none waits for another's farewell.
end_nodes() {
  local port
  declare -A pids=()
  for port in "$@"; do
    pids[$port]=$(pid_of "$port")
    [[ -z ${pids[$port]} ]] || kill -TERM "${pids[$port]}" 2>/dev/null || true # it may just have ended by itself
  done
  for port in "$@"; do
    if [[ -n ${pids[$port]} ]] && ! wait_for gone "${pids[$port]}"; then
      say "Node $port (process ${pids[$port]}) did not end in $patience_s s after SIGTERM; ending it with SIGKILL."
      kill -KILL "${pids[$port]}" 2>/dev/null || true
      wait_for gone "${pids[$port]}" || fail "process ${pids[$port]} of node $port does not go away"
    fi
    rm -f "$(folder "$port")/node.pid"
  done
}

# Starts the nodes at ports "$@" or none of them.
start_all_or_none() {
  local port new_folders=() started=()
  need_free_ports "$@"
  undo() {
    local each
    end_nodes "${started[@]}"
    for each in "${new_folders[@]}"; do rm -rf "$(folder "$each")"; done
  }
  trap 'undo; exit 130' INT TERM
  for port in "$@"; do
    [[ -d $(folder "$port") ]] || new_folders+=("$port")
    started+=("$port")
    start_process "$port"
  done
  for port in "$@"; do
    wait_for up_or_dead "$port" || true # told apart just below
    if ! answers "$port"; then
      say "The last lines of node $port:" >&2
      tail -n 15 "$(folder "$port")/node.log" >&2 || true
      undo
      fail "node $port did not start; the nodes started with it were ended again"
    fi
  done
  if [[ $formed == no ]]; then
    say "Creating the cluster ..."
    local addresses=() out
    for port in "${ports[@]}"; do addresses+=("$host:$port"); done
    if ! out=$(timeout 120 "$bin/ashlar-cli" --cluster create "${addresses[@]}" --cluster-replicas 1 --cluster-yes 2>&1); then
      printf '%s\n' "$out" | tail -n 20 >&2
      undo
      fail "the cluster could not be created; its nodes were ended again"
    fi
  fi
  trap - INT TERM
}

show_map() {
  local port nodes
  for port in "${ports[@]}"; do
    nodes=$(cli "$port" cluster nodes 2>/dev/null) && break
  done
  [[ -n ${nodes:-} ]] || fail "no node answers"
  say "  address           role     slots                 id"
  printf '%s\n' "$nodes" | tr -d '\r' | sort -t' ' -k2 | awk '
    NF >= 8 {
      split($2, address, "@")
      role = $3 ~ /master/ ? "master" : "replica"
      note = ""
      if ($3 ~ /fail/) note = "  (" $3 ")"
      slots = role == "replica" ? "of " substr($4, 1, 8) : ""
      for (i = 9; i <= NF; ++i) if ($i !~ /^\[/) slots = slots (slots == "" ? "" : " ") $i
      printf "  %-17s %-8s %-21s %s%s\n", address[1], role, slots, substr($1, 1, 8), note
    }'
  cat <<TEXT

Connect:
  shell      $bin/ashlar-cli -c -p ${ports[0]}      (redis-cli works the same)
  redis-py   from redis.cluster import RedisCluster; r = RedisCluster(host="$host", port=${ports[0]})
  ioredis    const Redis = require("ioredis"); const r = new Redis.Cluster([{ host: "$host", port: ${ports[0]} }]);

Data and logs are in $run/<port>/. 'make stop' ends the nodes and keeps the data, 'make clean-run' removes it.
TEXT
}

cmd_start() {
  need_programs
  local port all down=()
  formed=no
  mapfile -t all < <(printf '%s\n' "${ports[@]}" && joined_ports)
  for port in "${all[@]}"; do
    if [[ -z $(pid_of "$port") ]]; then
      down+=("$port")
    elif wait_for up_or_dead "$port" && [[ $(info_field "$port" cluster_known_nodes) != 1 ]]; then
      formed=yes
    fi
    if knew_others "$port"; then formed=yes; fi
  done
  if ((${#down[@]} == 0)); then
    say "The cluster already runs:"
  else
    start_all_or_none "${down[@]}"
    say "The cluster runs:"
  fi
  if ! wait_for healthy "${all[@]}"; then
    for port in "${all[@]}"; do
      say "  node $port says cluster_state:$(info_field "$port" cluster_state), knows $(info_field "$port" cluster_known_nodes) nodes" >&2
    done
    local done="nothing was started or ended"
    if ((${#down[@]} != 0)); then
      end_nodes "${down[@]}"
      done="the nodes started now were ended again"
    fi
    fail "no agreement on a healthy cluster within $patience_s s; $done. The logs are in $run/*/node.log; 'make clean-run' removes all data and gives a fresh start"
  fi
  show_map
}

cmd_node() {
  need_programs
  local port=${1:-}
  [[ $port =~ ^[0-9]+$ ]] || fail "say which port: make node PORT=6007"
  port=$((10#$port)) # a leading zero would make it octal
  if [[ -n $(pid_of "$port") ]]; then
    say "Node $port already runs."
    return 0
  fi
  local member=no
  if knew_others "$port"; then member=yes; fi
  formed=yes # alone: somebody else decides which cluster it joins
  start_all_or_none "$port"
  if [[ $member == yes ]]; then
    say "Node $port runs, with its data; it is a member of its cluster already."
    return 0
  fi
  say "Node $port runs, empty and alone. Let it join:"
  say "  $bin/ashlar-cli --cluster add-node $host:$port $host:${ports[0]}"
}

cmd_stop() {
  local dir port running=()
  for dir in "$run"/*/; do
    port=$(basename "$dir")
    if [[ -e $dir/node.pid && -n $(pid_of "$port") ]]; then running+=("$port"); fi
  done
  end_nodes "${running[@]}"
  if ((${#running[@]} == 0)); then say "No node was running."; else say "Ended ${#running[@]} nodes; their data stays in $run."; fi
}

cmd_clean() {
  cmd_stop
  local dir
  for dir in "$run"/*/; do
    [[ -e $dir/node.conf ]] || continue
    rm -rf "$dir"
  done
  if [[ -d $run ]]; then rmdir --ignore-fail-on-non-empty "$run"; fi
}

case "${1:-}" in
  start) cmd_start ;;
  node) cmd_node "${2:-}" ;;
  stop) cmd_stop ;;
  show) need_programs && show_map ;;
  clean) cmd_clean ;;
  *)
    echo "usage: $0 start | stop | show | clean | node PORT" >&2
    exit 2
    ;;
esac
