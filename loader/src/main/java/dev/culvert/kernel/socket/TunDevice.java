// SPDX-License-Identifier: Apache-2.0
package dev.culvert.kernel.socket;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;

import dev.culvert.kernel.InterfaceName;
import dev.culvert.kernel.KernelException;
import dev.culvert.kernel.Libc;
import dev.culvert.kernel.system.FileDescriptor;
import dev.culvert.kernel.system.Syscall;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;

/**
 * A TUN device (Documentation/networking/tuntap.rst of the kernel): IP packets that are routed to
 * it are read here, packets that are written here are received by it. Each has a virtio-net header
 * in front ({@link #HEADER_BYTES}), so that superpackets and unfinished checksums pass as they are.
 *
 * <p>It is in the calling thread's network namespace, and is gone when the descriptor is closed or
 * the process ends. One thread may read while another writes.
 */
public final class TunDevice implements AutoCloseable {
  /** struct virtio_net_hdr (linux/virtio_net.h). */
  public static final int HEADER_BYTES = 10;

  private static final String CLONE_DEVICE = "/dev/net/tun";
  private static final int AT_FDCWD = -100;
  private static final int O_RDWR_NONBLOCK_CLOEXEC = 2 | 0x800 | 0x80000;

  /** linux/if_tun.h. */
  private static final long TUNSETIFF = 0x400454caL;

  private static final long TUNSETOFFLOAD = 0x400454d0L;
  private static final short IFF_TUN = 0x0001;
  private static final short IFF_NO_PI = 0x1000;
  private static final short IFF_VNET_HDR = 0x4000;
  private static final int TUN_F_CSUM = 0x01;
  private static final int TUN_F_TSO4 = 0x02;
  private static final int TUN_F_TSO6 = 0x04;
  private static final int TUN_F_TSO_ECN = 0x08;
  private static final int TUN_F_USO4 = 0x20;
  private static final int TUN_F_USO6 = 0x40;
  private static final int TCP_OFFLOADS = TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6 | TUN_F_TSO_ECN;

  private static final int IFREQ_BYTES = 40;
  private static final int IFREQ_FLAGS_OFFSET = 16;

  private final Libc libc;
  private final FileDescriptor descriptor;
  private final boolean udpSegmentation;

  private TunDevice(Libc libc, FileDescriptor descriptor, boolean udpSegmentation) {
    this.libc = libc;
    this.descriptor = descriptor;
    this.udpSegmentation = udpSegmentation;
  }

  /**
   * Creates the device, down and without addresses.
   *
   * @throws KernelException EBUSY or EINVAL when an interface has the name
   */
  public static TunDevice create(Libc libc, InterfaceName name) {
    try (Arena arena = Arena.ofConfined()) {
      long fd =
          KernelException.check(
              libc.call(
                  Syscall.OPENAT,
                  AT_FDCWD,
                  arena.allocateFrom(CLONE_DEVICE).address(),
                  O_RDWR_NONBLOCK_CLOEXEC,
                  0,
                  0,
                  0),
              "openat",
              CLONE_DEVICE,
              "run as root, and load the kernel's module: modprobe tun");
      FileDescriptor descriptor = new FileDescriptor(libc, (int) fd);
      boolean made = false;
      try {
        TunDevice device = create(libc, descriptor, name);
        made = true;
        return device;
      } finally {
        if (!made) {
          descriptor.close();
        }
      }
    }
  }

  private static TunDevice create(Libc libc, FileDescriptor descriptor, InterfaceName name) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment request = arena.allocate(IFREQ_BYTES, 8);
      byte[] text = name.text().getBytes(StandardCharsets.UTF_8);
      MemorySegment.copy(text, 0, request, JAVA_BYTE, 0, text.length);
      request.set(JAVA_SHORT, IFREQ_FLAGS_OFFSET, (short) (IFF_TUN | IFF_NO_PI | IFF_VNET_HDR));
      long _ =
          KernelException.check(
              libc.call(Syscall.IOCTL, descriptor.number(), TUNSETIFF, request.address(), 0, 0, 0),
              "TUNSETIFF",
              "TUN device " + name,
              "an interface of that name may be there already");
    }
    boolean udp = setOffloads(libc, descriptor, TCP_OFFLOADS | TUN_F_USO4 | TUN_F_USO6) == 0;
    if (!udp) {
      long _ =
          KernelException.check(
              setOffloads(libc, descriptor, TCP_OFFLOADS), "TUNSETOFFLOAD", "TUN " + name, "");
    }
    return new TunDevice(libc, descriptor, udp);
  }

  private static long setOffloads(Libc libc, FileDescriptor descriptor, int offloads) {
    return libc.call(Syscall.IOCTL, descriptor.number(), TUNSETOFFLOAD, offloads, 0, 0, 0);
  }

  /** Whether the kernel takes and gives UDP superpackets too (6.2). */
  public boolean hasUdpSegmentation() {
    return udpSegmentation;
  }

  /** For {@link Readiness}. */
  public int fd() {
    return descriptor.number();
  }

  /** Reads one packet with its header: its length, or a negated errno (EAGAIN: none waits). */
  public int read(long memory, int bytes) {
    return (int) libc.call(Syscall.READ, descriptor.number(), memory, bytes, 0, 0, 0);
  }

  /**
   * Writes one packet, header first, gathered from an array of struct iovec: its length, or a
   * negated errno.
   */
  public int write(long vectors, int count) {
    return (int) libc.call(Syscall.WRITEV, descriptor.number(), vectors, count, 0, 0, 0);
  }

  @Override
  public void close() {
    descriptor.close();
  }
}
