#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Mounts a file system that never answers, as that of a dead file server: FUSE without a server behind it.

hung.py FOLDER          prints "mounted" and lives on; every call below the folder hangs until this process ends
"""
import ctypes
import os
import struct
import sys
import time

FUSE_INIT_OUT = struct.pack("<IIIIHHIIHHI7I", 7, 31, 4096, 0, 12, 9, 4096, 1, 1, 0, 0, *[0] * 7)

libc = ctypes.CDLL(None, use_errno=True)
device = os.open("/dev/fuse", os.O_RDWR)
options = f"fd={device},rootmode=40000,user_id=0,group_id=0".encode()
if libc.mount(b"hung", sys.argv[1].encode(), b"fuse", 0, options) != 0:
    sys.exit(os.strerror(ctypes.get_errno()))
unique, = struct.unpack_from("<Q", os.read(device, 1 << 20), 8)  # struct fuse_in_header of FUSE_INIT
os.write(device, struct.pack("<IiQ", 16 + len(FUSE_INIT_OUT), 0, unique) + FUSE_INIT_OUT)
print("mounted", flush=True)
time.sleep(300)
