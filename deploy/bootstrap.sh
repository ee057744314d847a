#!/bin/sh
# Finds a Python that is new enough and lets bootstrap.py, beside this file, do the rest.
cd "$(dirname "$0")/.." || exit 1
for python in python3 python3.13 python3.12 python3.11; do
    if "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
        exec "$python" -u deploy/bootstrap.py "$@"
    fi
done
found=$(python3 --version 2>/dev/null || echo 'no python3')
cat >&2 <<END
AvatarTranslate needs Python 3.11 or newer; this machine has: $found.
Debian 12, Ubuntu 24.04 and newer have it: sudo apt-get install python3
On an older system install python3.11 or newer beside the old one, then repeat the command.
END
exit 1
