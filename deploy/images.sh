#!/usr/bin/env bash
# Makes small images from the host's static busybox, for machines that reach no registry.
#
#   deploy/images.sh NAME TEXT      an image NAME that answers TEXT over HTTP on port 8080
#
# It has a shell and busybox's applets, logs every request, and ends when its web server does.
set -euo pipefail

name=$1
text=$2

busybox=$(command -v busybox || true)
if [ -z "$busybox" ] || ldd "$busybox" >/dev/null 2>&1; then
    echo "images.sh: a static busybox is needed: apt-get install busybox-static" >&2
    exit 1
fi

root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT
mkdir -p "$root"/{bin,etc,proc,sys,dev,tmp,www,usr/bin,root}
chmod 1777 "$root/tmp"
cp "$busybox" "$root/bin/busybox"
for applet in $("$busybox" --list); do
    [ "$applet" = busybox ] || ln -s busybox "$root/bin/$applet"
done
ln -s /bin/env "$root/usr/bin/env"
echo 'root:x:0:0:root:/root:/bin/sh' >"$root/etc/passwd"
echo 'root:x:0:' >"$root/etc/group"
echo "$text" >"$root/www/index.html"
cat >"$root/bin/serve" <<'SERVE'
#!/bin/sh
# Serves /www on port 8080 and ends when the web server ends or a TERM arrives.
trap 'kill $server 2>/dev/null; exit 143' TERM INT
echo "Serving on port 8080"
httpd -f -vv -p 8080 -h /www &
server=$!
wait $server
SERVE
chmod 755 "$root/bin/serve"
tar -C "$root" -c . | docker import --change 'CMD ["/bin/serve"]' --change 'EXPOSE 8080' - "$name" >/dev/null
echo "Made image $name from $busybox"
