// SPDX-License-Identifier: Apache-2.0
package dev.culvert.kernel.host;

import dev.culvert.kernel.Errno;
import dev.culvert.kernel.KernelException;
import dev.culvert.kernel.Libc;
import dev.culvert.kernel.RefusedException;
import dev.culvert.kernel.system.FileDescriptor;
import dev.culvert.kernel.system.Syscall;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import java.util.concurrent.FutureTask;
import java.util.function.Supplier;

/**
 * A network namespace, held open. Closing it lets go of the handle; the namespace lives on while
 * somebody uses it. Methods may be called from any thread.
 */
public final class NetNamespace implements AutoCloseable {
  /** Where ip-netns(8) keeps the names. */
  public static final Path NAMES = Path.of("/run/netns");

  private static final Path OF_THREAD = Path.of("/proc/thread-self/ns/net");
  private static final int AT_FDCWD = -100;
  private static final int O_CLOEXEC = 0x80000;

  /** Should something else have taken its place since it was looked at. */
  private static final int O_NONBLOCK = 0x800;

  /** NSFS_MAGIC of linux/magic.h. */
  private static final long NSFS_MAGIC = 0x6e736673L;

  /** struct statfs is 120 bytes on amd64 and aarch64; f_type is its first member, 8 bytes. */
  private static final int STATFS_BYTES = 120;

  private static final int CLONE_NEWNET = 0x40000000;

  private final Libc libc;
  private final Path path;
  private final FileDescriptor descriptor;

  private NetNamespace(Libc libc, Path path, FileDescriptor descriptor) {
    this.libc = libc;
    this.path = path;
    this.descriptor = descriptor;
  }

  /**
   * Opens a namespace: a name below /run/netns, or any path such as /proc/PID/ns/net. What is no
   * namespace is not opened: a pipe would have us wait for its writer.
   *
   * @param libc the way to the kernel
   * @param path a relative one of a single name is looked up in {@link #NAMES}
   * @return the caller's to close
   * @throws KernelException naming the path and what to try
   * @throws RefusedException when something else is there
   */
  public static NetNamespace open(Libc libc, Path path) {
    Path full = path.isAbsolute() || path.getNameCount() > 1 ? path : NAMES.resolve(path);
    requireNamespace(libc, full);
    return openUnchecked(libc, full);
  }

  private static void requireNamespace(Libc libc, Path path) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment statfs = arena.allocate(STATFS_BYTES, Long.BYTES);
      long name = arena.allocateFrom(path.toString()).address();
      long result = libc.call(Syscall.STATFS, name, statfs.address(), 0, 0, 0, 0);
      if (result < 0) {
        throw openFailed(path, (int) -result);
      }
      if (statfs.get(ValueLayout.JAVA_LONG, 0) != NSFS_MAGIC) {
        throw new RefusedException(
            path
                + " is no network namespace; list those with a name by \"ip netns\", a process's is"
                + " /proc/PID/ns/net.");
      }
    }
  }

  private static NetNamespace openUnchecked(Libc libc, Path full) {
    try (Arena arena = Arena.ofConfined()) {
      long fd =
          libc.call(
              Syscall.OPENAT,
              AT_FDCWD,
              arena.allocateFrom(full.toString()).address(),
              O_CLOEXEC | O_NONBLOCK,
              0,
              0,
              0);
      if (fd < 0) {
        throw openFailed(full, (int) -fd);
      }
      return new NetNamespace(libc, full, new FileDescriptor(libc, (int) fd));
    }
  }

  private static KernelException openFailed(Path path, int errno) {
    return new KernelException("openat", "namespace " + path, errno, openHint(errno));
  }

  private static String openHint(int errno) {
    return switch (Errno.of(errno)) {
      case ENOENT -> "list the namespaces with \"ip netns\"; a process's is /proc/PID/ns/net";
      case EACCES, EPERM -> "run as root";
      default -> "";
    };
  }

  /**
   * Opens a namespace that ip-netns(8) has a name for.
   *
   * @param libc the way to the kernel
   * @param name of a file in {@link #NAMES}
   * @return the caller's to close
   * @throws KernelException when there is none of that name
   * @throws RefusedException when that can be no name, or something else is there
   */
  public static NetNamespace named(Libc libc, String name) {
    return open(libc, pathOf(name));
  }

  /**
   * Opens the namespace of the calling thread: the JVM's, unless inside {@link #call}.
   *
   * @param libc the way to the kernel
   * @return the caller's to close
   * @throws KernelException when /proc does not have it
   */
  public static NetNamespace current(Libc libc) {
    return openUnchecked(libc, OF_THREAD);
  }

  /**
   * Creates a namespace with a name, as {@code ip netns add} does: it lives until {@link #delete},
   * also when this process ends.
   *
   * @param libc the way to the kernel
   * @param name at most 255 characters, none of them a slash
   * @return the caller's to close, which leaves the namespace there
   * @throws RefusedException when that can be no name
   * @throws KernelException EEXIST when the name is taken, EPERM without CAP_SYS_ADMIN
   */
  public static NetNamespace create(Libc libc, String name) {
    Path target = pathOf(name);
    NamedNamespaces names = new NamedNamespaces(libc, NAMES);
    onOwnThread(
        "culvert-netns-create",
        () -> {
          names.reserve(target);
          try {
            KernelException.check(
                libc.call(Syscall.UNSHARE, CLONE_NEWNET, 0, 0, 0, 0, 0),
                "unshare",
                "namespace " + name,
                "run as root");
            names.bind(OF_THREAD, target);
          } catch (RuntimeException failed) {
            names.release(target);
            throw failed;
          }
          return null;
        });
    return open(libc, target);
  }

  /**
   * Takes the name away, as {@code ip netns del} does; the namespace ends when nobody uses it.
   *
   * @param libc the way to the kernel
   * @param name as {@link #create} took it
   * @return false when there was no such name
   * @throws RefusedException when that can be no name
   */
  public static boolean delete(Libc libc, String name) {
    return new NamedNamespaces(libc, NAMES).release(pathOf(name));
  }

  private static Path pathOf(String name) {
    if (name.isEmpty()
        || name.length() > 255
        || name.contains("/")
        || name.equals(".")
        || name.equals("..")) {
      throw new RefusedException(
          "\"" + name + "\" cannot name a network namespace: use a file name without a slash.");
    }
    return NAMES.resolve(name);
  }

  /**
   * {@return the descriptor's number, valid until {@link #close()}, which closes it}
   *
   * @throws IllegalStateException after {@link #close()}
   */
  public int fd() {
    return descriptor.number();
  }

  /**
   * {@return whether both are one and the same, under whatever names}
   *
   * @param other an open one
   * @throws UncheckedIOException when proc(5) does not say
   */
  public boolean isSameAs(NetNamespace other) {
    return inode().equals(other.inode());
  }

  /** Namespaces are one file system's inodes (ioctl_ns(2)). */
  private Object inode() {
    try {
      return Files.getAttribute(Path.of("/proc/self/fd/" + fd()), "unix:ino");
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** {@return what was opened, for messages: something else may be there now} */
  public Path path() {
    return path;
  }

  /**
   * Runs work inside the namespace, on a platform thread made for it, since setns(2) belongs to one
   * thread; the thread ends afterwards. Sockets opened there stay bound to the namespace. An
   * interrupt of the caller is passed on to the work, whose end is awaited.
   *
   * @param <T> what the work gives
   * @param work what it throws, this throws
   * @return what the work gave
   * @throws Exception what the work threw
   * @throws KernelException when the namespace cannot be entered
   */
  public <T> T call(Callable<T> work) throws Exception {
    try {
      return onOwnThread(
          "culvert-netns " + path,
          () -> {
            enter();
            try {
              return work.call();
            } catch (RuntimeException unchecked) {
              throw unchecked;
            } catch (Exception checked) {
              throw new CheckedFailure(checked);
            }
          });
    } catch (CheckedFailure failure) {
      throw failure.checked;
    }
  }

  /**
   * {@link #call} for work without checked exceptions.
   *
   * @param <T> what the work gives
   * @param work what it throws, this throws
   * @return what the work gave
   * @throws KernelException when the namespace cannot be entered
   */
  public <T> T run(Supplier<T> work) {
    return onOwnThread(
        "culvert-netns " + path,
        () -> {
          enter();
          return work.get();
        });
  }

  /** Takes the calling thread into the namespace. */
  private void enter() {
    // Entering costs CAP_SYS_ADMIN; a thread that is there already needs none.
    if (threadIsInside()) {
      return;
    }
    long result = libc.call(Syscall.SETNS, fd(), CLONE_NEWNET, 0, 0, 0, 0);
    if (result < 0) {
      int errno = (int) -result;
      throw new KernelException(
          "setns",
          "namespace " + path,
          errno,
          switch (Errno.of(errno)) {
            case EINVAL -> "this file is not a network namespace";
            case EPERM -> "run as root, or with CAP_SYS_ADMIN";
            default -> "";
          });
    }
  }

  private boolean threadIsInside() {
    try {
      // Both read as "net:[4026531840]"; a name below /run/netns reads as its path, and is entered.
      return Files.readSymbolicLink(Path.of("/proc/self/fd/" + fd()))
          .equals(Files.readSymbolicLink(OF_THREAD));
    } catch (IOException unknown) {
      return false;
    }
  }

  private static <T> T onOwnThread(String name, Supplier<T> work) {
    FutureTask<T> task = new FutureTask<>(work::get);
    Thread thread = Thread.ofPlatform().name(name).daemon(true).start(task);
    boolean interrupted = false;
    while (thread.isAlive()) {
      try {
        thread.join();
      } catch (InterruptedException passedOn) {
        interrupted = true;
        thread.interrupt();
      }
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
    return switch (task.state()) {
      case SUCCESS -> task.resultNow();
      default -> throw unchecked(task.exceptionNow());
    };
  }

  private static RuntimeException unchecked(Throwable failure) {
    return switch (failure) {
      case Error error -> throw error;
      case RuntimeException unchecked -> unchecked;
      case IOException io -> new UncheckedIOException(io);
      default -> new IllegalStateException(failure);
    };
  }

  @Override
  public void close() {
    descriptor.close();
  }

  @Override
  public String toString() {
    return "namespace " + path;
  }

  /** Carries a checked exception from the work's thread to its caller. */
  private static final class CheckedFailure extends RuntimeException {
    private static final long serialVersionUID = 1;

    private final transient Exception checked;

    CheckedFailure(Exception checked) {
      super(checked);
      this.checked = checked;
    }
  }
}
