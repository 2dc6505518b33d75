# Sourced by the other scripts: the repository's root as working folder, messages, and clean-up after dead runs.

set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

export DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_NOLOGO=1 DOTNET_CLI_UI_LANGUAGE=en
# Neither the build nor the executable needs ICU, and a fresh Debian has none.
export DOTNET_SYSTEM_GLOBALIZATION_INVARIANT=1
# No compiler or build server outlives its command: a test run leaves no process behind.
export MSBUILDDISABLENODEREUSE=1 DOTNET_CLI_USE_MSBUILD_SERVER=0 UseSharedCompilation=false
export PATH="$PATH:/usr/sbin:/sbin"

# dotnet with a temporary folder of its own, because the SDK leaves empty ones behind. NuGet's stays shared: its locks are there.
dotnet_() {
    local folder code=0
    export NUGET_SCRATCH="${NUGET_SCRATCH:-${TMPDIR:-/tmp}/NuGetScratch$(id -un)}"
    folder=$(mktemp -d)
    TMPDIR=$folder dotnet "$@" || code=$?
    rm -rf "$folder"
    return "$code"
}

say() { printf '%s\n' "$*"; }

# One sentence: what is wrong and the cure.
die() {
    printf 'vibepn: %s\n' "$*" >&2
    exit 1
}

# Hosts of runs whose process is gone: network namespaces vpn-dPID-NAME (demo) or vpn-tPID-NAME (tests), with the
# processes in them, and the folders of the same name.
remove_leftovers() {
    local namespace folder process
    for namespace in $(ip netns list 2>/dev/null | awk '/^vpn-[dt][0-9]+-/ { print $1 }'); do
        owner_is_gone "$namespace" || continue
        for process in $(ip netns pids "$namespace" 2>/dev/null); do
            kill -KILL "$process" 2>/dev/null || true
        done
        ip netns del "$namespace" 2>/dev/null || true
    done
    for folder in "${TMPDIR:-/tmp}"/vpn-[dt][0-9]*-*; do
        if [ -d "$folder" ] && owner_is_gone "${folder##*/}"; then
            rm -rf "$folder"
        fi
    done
}

owner_is_gone() {
    local pid=${1#vpn-[dt]}
    pid=${pid%%-*}
    [[ $pid =~ ^[0-9]+$ ]] && [ ! -e "/proc/$pid" ]
}
