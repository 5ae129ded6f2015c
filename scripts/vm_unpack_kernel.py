#!/usr/bin/python3
"""Unpacks the kernel image inside a bzImage, so that an emulated processor need not: vm_unpack_kernel.py BZIMAGE OUT.
Offsets are those of the x86 boot protocol (Documentation/x86/boot.rst)."""

import lzma
import struct
import sys

SETUP_SECTORS, VERSION, PAYLOAD_OFFSET, PAYLOAD_LENGTH = 0x1F1, 0x206, 0x248, 0x24C


def main():
    source, target = sys.argv[1:]
    with open(source, "rb") as file:
        image = file.read()
    if struct.unpack_from("<H", image, VERSION)[0] < 0x0208:
        sys.exit(f"{source}: boot protocol before 2.08, no payload field")
    start = (image[SETUP_SECTORS] + 1) * 512 + struct.unpack_from("<I", image, PAYLOAD_OFFSET)[0]
    payload = image[start:start + struct.unpack_from("<I", image, PAYLOAD_LENGTH)[0]]
    if not payload.startswith(b"\xfd7zXZ\0"):
        sys.exit(f"{source}: the payload is not xz")
    # The size follows the compressed stream.
    kernel = lzma.LZMADecompressor().decompress(payload)
    if not kernel.startswith(b"\x7fELF"):
        sys.exit(f"{source}: the payload is no ELF image")
    with open(target, "wb") as file:
        file.write(kernel)


if __name__ == "__main__":
    main()
