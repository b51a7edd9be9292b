#!/bin/bash
# make_image.sh IMAGE KERNEL INIT LIST FILE...: a bootable CD with the programs
# FILE and the libraries they need, at the paths they have here.
set -euo pipefail
image=$1 kernel=$2 init=$3 list=$4
shift 4
work=$(mktemp -d "$image.XXXXXX")
trap 'rm -rf "$work"' EXIT
tree=$work/tree disk=$work/disk
# /tmp stays what it is here: the programs may lie in it.
mkdir -p "$tree"/{dev,proc,sys,tmp,bin} "$disk/boot/grub"

cp "$init" "$tree/init"
cp "$list" "$tree/run.list"
for program; do
  mkdir -p "$tree$(dirname "$program")"
  strip -o "$tree$program" "$program"
done
cp -L /bin/sh "$tree/bin/sh"  # for std::system
ldd "$@" /bin/sh | grep -oE '/[^ ]+ \(0x' | sed 's/ (0x//' | sort -u |
  while read -r library; do
    mkdir -p "$tree$(dirname "$library")"
    cp -L "$library" "$tree$library"
  done
(cd "$tree" && find . | cpio --quiet -o -H newc) >"$disk/tree.cpio"
cp "$kernel" "$disk/vmlinuz"

# clearcpuid=580: with fast short REP MOV the kernel never gets past its start.
# acpi=off: Bochs panics on leaving SMM with CR4 as Linux has set it.
cat >"$disk/boot/grub/grub.cfg" <<'TXT'
set timeout=0
menuentry ranvier {
  linux /vmlinuz console=ttyS0,115200 nokaslr mitigations=off tsc=reliable no_timer_check nomodeset rdinit=/init panic=-1 audit=0 acpi=off nolapic nosmp clearcpuid=580 quiet
  initrd /tree.cpio
}
TXT
grub-mkrescue -d /usr/lib/grub/i386-pc -o "$image" "$disk" --compress=no \
  --locales= --themes= --fonts= \
  --install-modules="linux normal iso9660 biosdisk" >"$work/grub.log" 2>&1 || {
  cat "$work/grub.log" >&2
  exit 1
}
