// SPDX-License-Identifier: Apache-2.0
package dev.culvert.kernel.bpf;

import dev.culvert.kernel.KernelException;
import dev.culvert.kernel.Libc;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import java.util.Optional;

/**
 * One attachment of a program to an interface. Closing a tcx or XDP link that is not pinned
 * detaches it; a clsact filter stays until {@link #detach()}.
 *
 * <p>Interface indices belong to the network namespace of the thread that attaches. The other
 * methods may be called from any thread, in any namespace.
 */
public sealed interface Link extends AutoCloseable permits KernelLink, ClsactFilter {
  /** Where at tc. */
  enum Direction {
    /** What the interface receives. */
    INGRESS,
    /** What the interface sends. */
    EGRESS
  }

  /**
   * Attaches at tc: a tcx link (kernel 6.6), or on older kernels a clsact filter with a priority
   * and handle of its own. Programs that others attached before run first.
   *
   * @param libc the way to the kernel
   * @param program of a section {@code tc/...}; stays the caller's
   * @param interfaceIndex in the calling thread's network namespace
   * @param direction seen from the interface
   * @return the caller's to close
   * @throws KernelException when the kernel refuses
   */
  static Link attachTc(Libc libc, BpfProgram program, int interfaceIndex, Direction direction) {
    Objects.requireNonNull(libc, "libc");
    Objects.requireNonNull(program, "program");
    Objects.requireNonNull(direction, "direction");
    return Features.of(libc).tcx()
        ? attachTcx(libc, program, interfaceIndex, direction)
        : attachClsact(libc, program, interfaceIndex, direction);
  }

  /**
   * Attaches a tcx link.
   *
   * @param libc the way to the kernel
   * @param program of a section {@code tc/...}; stays the caller's
   * @param interfaceIndex in the calling thread's network namespace
   * @param direction seen from the interface
   * @return the caller's to close, which detaches it unless it is pinned
   * @throws Unsupported before kernel 6.6
   * @throws KernelException when the kernel refuses
   */
  static Link attachTcx(Libc libc, BpfProgram program, int interfaceIndex, Direction direction) {
    Objects.requireNonNull(libc, "libc");
    Objects.requireNonNull(program, "program");
    Objects.requireNonNull(direction, "direction");
    return TcxLink.attach(new Bpf(libc), program, interfaceIndex, direction);
  }

  /**
   * Names (at most 15 characters) of the programs that run by tcx on an interface of this thread's
   * namespace, whoever attached them and wherever their links are pinned. None before kernel 6.6.
   *
   * @param libc the way to the kernel
   * @param interfaceIndex of the interface
   * @param direction which of its two lists
   * @return one for each program, in the order in which they run
   * @throws KernelException when the kernel refuses
   */
  static List<String> tcxPrograms(Libc libc, int interfaceIndex, Direction direction) {
    Objects.requireNonNull(libc, "libc");
    Objects.requireNonNull(direction, "direction");
    return Features.of(libc).tcx()
        ? TcxLink.programs(new Bpf(libc), interfaceIndex, direction)
        : List.of();
  }

  /**
   * Attaches a clsact filter, which every kernel knows. The qdisc is made when the interface has
   * none, and left there. A filter that an earlier run attached for a program of the same name is
   * replaced atomically.
   *
   * @param libc the way to the kernel
   * @param program of a section {@code tc/...}; stays the caller's
   * @param interfaceIndex in the calling thread's network namespace
   * @param direction seen from the interface
   * @return the caller's to close, which leaves the filter there
   * @throws KernelException when the kernel refuses, or our place holds somebody else's filter
   */
  static Link attachClsact(Libc libc, BpfProgram program, int interfaceIndex, Direction direction) {
    Objects.requireNonNull(libc, "libc");
    Objects.requireNonNull(program, "program");
    Objects.requireNonNull(direction, "direction");
    return ClsactFilter.attach(libc, program, interfaceIndex, direction);
  }

  /**
   * The clsact filter that {@link #attachClsact} left on an interface of this thread's namespace.
   *
   * @param libc the way to the kernel
   * @param program name of the program that it was left for
   * @param interfaceIndex in the calling thread's network namespace
   * @param direction seen from the interface
   * @return empty when there is none
   * @throws KernelException when the kernel cannot be asked
   */
  static Optional<Link> findClsact(
      Libc libc, String program, int interfaceIndex, Direction direction) {
    Objects.requireNonNull(libc, "libc");
    Objects.requireNonNull(program, "program");
    Objects.requireNonNull(direction, "direction");
    return ClsactFilter.find(libc, program, interfaceIndex, direction);
  }

  /**
   * Attaches at XDP (kernel 5.9); native where the driver has it, else generic.
   *
   * @param libc the way to the kernel
   * @param program of section {@code xdp}; stays the caller's
   * @param interfaceIndex in the calling thread's network namespace
   * @return the caller's to close, which detaches it unless it is pinned
   * @throws Unsupported before kernel 5.9
   * @throws KernelException when the kernel refuses: EBUSY when the interface has an XDP program
   */
  static Link attachXdp(Libc libc, BpfProgram program, int interfaceIndex) {
    Objects.requireNonNull(libc, "libc");
    Objects.requireNonNull(program, "program");
    return XdpLink.attach(new Bpf(libc), program, interfaceIndex);
  }

  /**
   * Attaches at XDP, natively or not at all.
   *
   * @param libc the way to the kernel
   * @param program of section {@code xdp}; stays the caller's
   * @param interfaceIndex in the calling thread's network namespace
   * @return the caller's to close, which detaches it unless it is pinned
   * @throws KernelException when the driver refuses
   */
  static Link attachNativeXdp(Libc libc, BpfProgram program, int interfaceIndex) {
    Objects.requireNonNull(libc, "libc");
    Objects.requireNonNull(program, "program");
    return XdpLink.attachNative(new Bpf(libc), program, interfaceIndex);
  }

  /**
   * Opens a pinned tcx or XDP link.
   *
   * @param libc the way to the kernel
   * @param pin its file below a bpf file system
   * @return the caller's to close; the pin, and so the link, stays
   * @throws KernelException when there is none, or it is another kind of link
   */
  static Link openPinned(Libc libc, Path pin) {
    Objects.requireNonNull(libc, "libc");
    Objects.requireNonNull(pin, "pin");
    Bpf bpf = new Bpf(libc);
    return Pinned.open(bpf, pin, Pinned.Kind.LINK, fd -> KernelLink.open(bpf, fd, pin));
  }

  /**
   * Puts another program in this one's place, atomically: no packet sees neither or both.
   *
   * @param program of the same type; stays the caller's
   * @throws KernelException when the kernel refuses: ENOLINK when the interface is gone
   */
  void replace(BpfProgram program);

  /**
   * Keeps the link alive without us. A clsact filter lives on anyway: for it this does nothing, and
   * {@link #findClsact} finds it again.
   *
   * @param path below a bpf file system; its folder exists
   * @throws KernelException when the kernel refuses
   */
  void pin(Path path);

  /**
   * {@return the interface's index as it was when this was attached or opened; 0 when the interface
   * was gone already}
   */
  int interfaceIndex();

  /**
   * {@return the kernel's id of the program that is attached now}
   *
   * @throws KernelException when the kernel cannot be asked
   */
  int programId();

  /**
   * Takes the program off the interface, pinned or not; an interface that is gone is no error.
   * Never touches what others attached. The pin itself stays, for its owner to delete.
   *
   * @throws KernelException when the kernel refuses for another reason
   */
  void detach();

  @Override
  void close();
}
