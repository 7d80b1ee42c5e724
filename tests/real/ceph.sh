#!/usr/bin/env bash
# Starts Ceph RGW with two zones that replicate to each other, runs tests/real against it, and takes it down again.
#
#   tests/real/ceph.sh PYTHON [PYTEST ARGUMENTS]
#
# Needs Debian 12 or a relative of it with Ceph in its package sources, and root to install the packages if they are
# not there. Plain processes on loopback with free ports; no systemd, no cephx; everything below one temporary folder,
# which is removed at the end however that comes about. KEEP_LOGS=DIR keeps the logs of a failed run there.
set -euo pipefail

PYTHON=${1:?usage: tests/real/ceph.sh PYTHON [PYTEST ARGUMENTS]}
shift
PACKAGES=(ceph-mon ceph-mgr ceph-osd radosgw ceph-common)
PROGRAMS=(ceph-mon ceph-mgr ceph-osd radosgw radosgw-admin ceph monmaptool)
ROOT=$(cd "$(dirname "$0")/../.." && pwd)
DIR=$(mktemp -d "${TMPDIR:-/tmp}/repl-ceph.XXXXXX")
CONF=$DIR/ceph.conf
PIDS=()
ACCESS_KEY=REPLTESTACCESSKEY
SECRET_KEY=repl-test-secret-$RANDOM$RANDOM

say() { printf '%s\n' "ceph: $*" >&2; }

down() {
  local status=$?
  trap - EXIT INT TERM
  local pid
  for pid in "${PIDS[@]}"; do kill "$pid" 2>/dev/null || true; done
  for _ in $(seq 50); do
    running || break
    sleep 0.1
  done
  for pid in "${PIDS[@]}"; do kill -9 "$pid" 2>/dev/null || true; done
  wait 2>/dev/null || true
  if [ "$status" -ne 0 ] && [ -n "${KEEP_LOGS:-}" ]; then mkdir -p "$KEEP_LOGS" && cp -r "$DIR/log/." "$KEEP_LOGS/"; fi
  rm -rf "$DIR"
  exit "$status"
}
trap down EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

running() {
  local pid
  for pid in "${PIDS[@]}"; do kill -0 "$pid" 2>/dev/null && return 0; done
  return 1
}

fail() {
  say "$*"
  tail -n 20 "$DIR"/log/*.out >&2 2>/dev/null || true
  exit 1
}

# Runs a command until it succeeds: until_ok SECONDS COMMAND...
until_ok() {
  local end=$((SECONDS + $1))
  shift
  until "$@" >>"$DIR/log/wait.out" 2>&1; do
    [ $SECONDS -lt $end ] || return 1
    sleep 0.2
  done
}

install_packages() {
  local program missing=0
  for program in "${PROGRAMS[@]}"; do command -v "$program" >/dev/null || missing=1; done
  [ $missing = 1 ] || return 0
  command -v apt-get >/dev/null || fail "these are not installed, and there is no apt-get: ${PACKAGES[*]}"
  [ "$(id -u)" = 0 ] || fail "run as root once, or install: apt-get install --no-install-recommends ${PACKAGES[*]}"
  say "installing ${PACKAGES[*]}"
  export DEBIAN_FRONTEND=noninteractive
  apt-get update -q >"$DIR/log/apt.out" 2>&1 || fail "apt-get update failed"
  apt-get install -q -y --no-install-recommends "${PACKAGES[@]}" >>"$DIR/log/apt.out" 2>&1 || fail "apt-get install failed"
}

free_ports() {
  "$PYTHON" - "$1" <<'PY'
import socket, sys
held = [socket.create_server(("127.0.0.1", 0)) for _ in range(int(sys.argv[1]))]
print(*(one.getsockname()[1] for one in held))
PY
}

configure() {
  local fsid
  read -r MON2 MON1 RGW1 RGW2 <<<"$(free_ports 4)"
  mkdir -p "$DIR"/{run,crash,mon.a,mgr.x,osd.0}
  fsid=$("$PYTHON" -c 'import uuid; print(uuid.uuid4())')
  cat >"$CONF" <<CONF
[global]
fsid = $fsid
mon_initial_members = a
mon_host = [v2:127.0.0.1:$MON2,v1:127.0.0.1:$MON1]
public_addr = 127.0.0.1
cluster_addr = 127.0.0.1
auth_cluster_required = none
auth_service_required = none
auth_client_required = none
ms_mon_client_mode = crc
ms_mon_service_mode = crc
ms_mon_cluster_mode = crc
osd_pool_default_size = 1
osd_pool_default_min_size = 1
osd_pool_default_pg_num = 4
osd_pool_default_pgp_num = 4
osd_pool_default_pg_autoscale_mode = off
osd_crush_chooseleaf_type = 0
mon_allow_pool_size_one = true
mon_max_pg_per_osd = 2000
mon_warn_on_pool_no_redundancy = false
mon_data_avail_crit = 1
mgr_initial_modules =
run_dir = $DIR/run
crash_dir = $DIR/crash
admin_socket = $DIR/run/\$cluster-\$name.\$pid.asok
log_file = $DIR/log/\$name.log
mon_cluster_log_file = $DIR/log/cluster.log
plugin_dir = /usr/lib/ceph
[mon]
mon_data = $DIR/mon.a
[mgr]
mgr_data = $DIR/mgr.x
[osd]
osd_data = $DIR/osd.0
osd_objectstore = memstore
memstore_device_bytes = 4294967296
osd_memory_target = 1073741824
osd_class_load_list = *
osd_class_default_list = *
[client]
rgw_thread_pool_size = 64
rgw_dynamic_resharding = false
rgw_enable_usage_log = false
rgw_md_log_max_shards = 4
rgw_data_log_num_shards = 4
rgw_override_bucket_index_max_shards = 4
rgw_data_sync_poll_interval = 1
rgw_meta_sync_poll_interval = 1
rgw_sync_data_inject_err_probability = 0
CONF
}

# start NAME COMMAND...: in a session of its own, so that a Ctrl-C at the terminal reaches the tests first.
start() {
  local name=$1
  shift
  setsid "$@" >"$DIR/log/$name.out" 2>&1 </dev/null &
  PIDS+=("$!")
}

cluster() { timeout 60 ceph -c "$CONF" "$@" 2>>"$DIR/log/ceph.out"; }
admin() { timeout 120 radosgw-admin -c "$CONF" "$@" 2>>"$DIR/log/admin.out"; }
osd_is_up() { cluster osd stat | grep -q '1 up'; }
answers() { "$PYTHON" -c 'import sys, urllib.request; urllib.request.urlopen(sys.argv[1], timeout=5)' "http://127.0.0.1:$1/"; }
caught_up() { admin sync status --rgw-zone=z2 | grep -q 'metadata is caught up'; }

up() {
  local osd
  say "starting the cluster"
  monmaptool --create --clobber --fsid "$(sed -n 's/^fsid = //p' "$CONF")" \
    --addv a "[v2:127.0.0.1:$MON2,v1:127.0.0.1:$MON1]" "$DIR/monmap" >"$DIR/log/monmap.out" 2>&1
  ceph-mon -c "$CONF" --mkfs -i a --monmap "$DIR/monmap" >"$DIR/log/mkmon.out" 2>&1
  start mon ceph-mon -c "$CONF" -i a -f
  until_ok 60 cluster -s || fail "the monitor does not answer"
  start mgr ceph-mgr -c "$CONF" -i x -f
  osd=$("$PYTHON" -c 'import uuid; print(uuid.uuid4())')
  cluster osd new "$osd" >/dev/null
  ceph-osd -c "$CONF" -i 0 --mkfs --osd-uuid "$osd" >"$DIR/log/mkosd.out" 2>&1
  start osd ceph-osd -c "$CONF" -i 0 -f
  until_ok 60 osd_is_up || fail "the OSD does not come up"
  cluster osd require-osd-release pacific >/dev/null || true
}

# Without a policy on the zonegroup PutBucketReplication answers 405. Made before the gateways start, it holds from their
# first moment.
policy() {
  admin sync group create --group-id=g1 --status=allowed >/dev/null
  admin sync group flow create --group-id=g1 --flow-id=f1 --flow-type=symmetrical --zones=z1,z2 >/dev/null
  admin sync group pipe create --group-id=g1 --pipe-id=p1 --source-zones='*' --source-bucket='*' \
    --dest-zones='*' --dest-bucket='*' >/dev/null
}

zones() {
  say "making a zonegroup of two zones"
  local group=(--rgw-zonegroup=zg) system=(--access-key=SYSTEMKEY --secret=system-secret)
  admin realm create --rgw-realm=r --default >/dev/null
  admin zonegroup create "${group[@]}" --endpoints="http://127.0.0.1:$RGW1" --rgw-realm=r --master --default >/dev/null
  admin zone create "${group[@]}" --rgw-zone=z1 --endpoints="http://127.0.0.1:$RGW1" --master --default "${system[@]}" >/dev/null
  admin zone create "${group[@]}" --rgw-zone=z2 --endpoints="http://127.0.0.1:$RGW2" "${system[@]}" >/dev/null
  admin user create --rgw-zone=z1 --uid=system --display-name=system "${system[@]}" --system >/dev/null
  # Not a system user: for one of those CreateBucket answers 500.
  admin user create --rgw-zone=z1 --uid=repl --display-name=repl --access-key="$ACCESS_KEY" --secret="$SECRET_KEY" >/dev/null
  policy
  admin period update --commit >/dev/null
  start rgw1 radosgw -c "$CONF" -n client.rgw.z1 -f --rgw-frontends "beast endpoint=127.0.0.1:$RGW1" --rgw-zone=z1
  start rgw2 radosgw -c "$CONF" -n client.rgw.z2 -f --rgw-frontends "beast endpoint=127.0.0.1:$RGW2" --rgw-zone=z2
  until_ok 60 answers "$RGW1" || fail "zone z1 does not answer"
  until_ok 60 answers "$RGW2" || fail "zone z2 does not answer"
  until_ok 120 caught_up || fail "zone z2 does not catch up"
}

mkdir -p "$DIR/log"
install_packages
configure
up
zones
say "running tests/real"
cd "$ROOT"
export REPL_REAL_S3_ENDPOINT=http://127.0.0.1:$RGW1 REPL_REAL_S3_SECOND_ENDPOINT=http://127.0.0.1:$RGW2
export REPL_REAL_S3_ACCESS_KEY=$ACCESS_KEY REPL_REAL_S3_SECRET_KEY=$SECRET_KEY REPL_REAL_S3_FLAVOUR=rgw
# In the background, so that a signal to this script takes everything down at once.
"$PYTHON" -m pytest tests/real -q -p no:cacheprovider "$@" &
PIDS+=("$!")
wait "$!"
