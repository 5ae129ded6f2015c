# shellcheck shell=bash
# Fetches Debian's stock kernel into the cache folder and makes the boot image that scripts/vm starts. Sourced by
# scripts/vm. The kernel package is downloaded and unpacked, never installed.

# Name of the concrete package behind linux-image-amd64, such as linux-image-6.1.0-40-amd64. Never a glob: that would
# fetch every flavour.
kernel_package() {
  apt-cache depends --important linux-image-amd64 2>/dev/null | awk '/Depends: linux-image-/ {print $2; exit}'
}

# Uses the newest kernel that is already in the cache, so that a run needs no network; fetches one otherwise.
prepare_kernel() {
  local folder
  mkdir -p "$JITWG_BUILD_CACHE"
  folder="$(find "$JITWG_BUILD_CACHE" -maxdepth 1 -type d -name 'kernel-*-amd64' | sort -V | tail -n 1)"
  [ -n "$folder" ] || folder="$(fetch_kernel)" || exit 1
  VM_KERNEL_VERSION="$(basename "$folder" | sed 's/^kernel-//')"
  VM_KERNEL="$folder/boot/vmlinuz-$VM_KERNEL_VERSION"
  [ -s "$VM_KERNEL" ] || die "$VM_KERNEL is missing: remove $folder and run again"
  unpack_kernel "$folder"
  make_initrd "$folder"
}

# An emulated processor takes 7 s to decompress the kernel; the plain image starts at once (PVH entry). Falls back to
# the compressed one.
unpack_kernel() {
  local plain="$1/boot/vmlinux-$VM_KERNEL_VERSION"
  if [ ! -s "$plain" ]; then
    /usr/bin/python3 "$JITWG_ROOT/scripts/vm_unpack_kernel.py" "$VM_KERNEL" "$plain.$$" 2>/dev/null || return 0
    mv "$plain.$$" "$plain"
  fi
  VM_KERNEL="$plain"
}

fetch_kernel() {
  local package version work
  package="$(kernel_package)"
  if [ -z "$package" ]; then
    say "apt does not know linux-image-amd64 yet: apt-get update" >&2
    as_root apt-get -q update >&2 || die "apt-get update failed: check the network"
    package="$(kernel_package)"
  fi
  [ -n "$package" ] || die "no package linux-image-amd64: is Debian 12 'main' in apt's sources?"
  version="${package#linux-image-}"
  work="$(mktemp -d "$JITWG_BUILD_CACHE/fetch.XXXXXX")"
  say "fetching $package (about 70 MB), unpacking it into $JITWG_BUILD_CACHE" >&2
  if ! (cd "$work" && apt-get -q -o APT::Sandbox::User=root download "$package" >&2); then
    as_root apt-get -q update >&2
    (cd "$work" && apt-get -q -o APT::Sandbox::User=root download "$package" >&2) || die "could not download $package"
  fi
  dpkg-deb -x "$work"/*.deb "$work/x"
  PATH="$PATH:/usr/sbin:/sbin" depmod -b "$work/x" "$version"
  mv "$work/x" "$JITWG_BUILD_CACHE/kernel-$version"
  rm -rf "$work"
  echo "$JITWG_BUILD_CACHE/kernel-$version"
}

# Packs busybox, scripts/vm-init and the modules that reach the host's files, with what those modules need.
make_initrd() {
  local folder="$1" init="$JITWG_ROOT/scripts/vm-init" tree module path number=10
  VM_INITRD="$folder/initrd-$(sha256sum "$init" "${BASH_SOURCE[0]}" | sha256sum | cut -c1-12).gz"
  [ -s "$VM_INITRD" ] && return
  tree="$(mktemp -d)"
  mkdir -p "$tree"/{bin,dev,proc,sys,lib,host,upper,newroot}
  cp "$(command -v busybox)" "$tree/bin/busybox"
  install -m 755 "$init" "$tree/init"
  for module in virtio_pci 9pnet_virtio 9p overlay virtio_rng; do
    while read -r path; do
      [ -n "$(find "$tree/lib" -name "[0-9]*-$(basename "$path")")" ] && continue
      cp "$path" "$tree/lib/$number-$(basename "$path")"
      number=$((number + 1))
    done < <(PATH="$PATH:/usr/sbin:/sbin" modprobe -d "$folder" -S "$VM_KERNEL_VERSION" --show-depends "$module" |
      awk '$1 == "insmod" {print $2}')
  done
  (cd "$tree" && find . | cpio --quiet -o -H newc | gzip -1) >"$VM_INITRD.$$"
  mv "$VM_INITRD.$$" "$VM_INITRD"
  rm -rf "$tree"
}
