#!/bin/sh
# Browser tests drive Debian's Chromium. Installs it when this machine lets us; in CI its absence is an error, elsewhere a warning.
command -v chromium >/dev/null 2>&1 && exit 0
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
    echo "entrepot: installing chromium for the browser tests" >&2
    (apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium) >/dev/null 2>&1
    command -v chromium >/dev/null 2>&1 && exit 0
fi
if [ -n "$CI" ]; then
    echo "entrepot: chromium is missing and could not be installed; in CI the browser tests must run" >&2
    exit 1
fi
echo "entrepot: chromium is missing; the browser tests will be skipped (Debian: apt-get install chromium)" >&2
