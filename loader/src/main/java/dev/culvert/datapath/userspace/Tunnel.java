// SPDX-License-Identifier: Apache-2.0
package dev.culvert.datapath.userspace;

import dev.culvert.datapath.Counter;
import dev.culvert.datapath.SourcePorts;
import dev.culvert.datapath.Verdict;
import dev.culvert.datapath.Vni;
import dev.culvert.datapath.Vtep;
import dev.culvert.kernel.InterfaceName;
import dev.culvert.kernel.Libc;
import dev.culvert.kernel.socket.DatagramSocket;
import dev.culvert.kernel.socket.Readiness;
import dev.culvert.kernel.socket.TunDevice;
import java.lang.System.Logger.Level;
import java.net.InetAddress;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.function.BooleanSupplier;
import java.util.function.Function;

/**
 * One host's tunnel end in this process: the TUN device, the sockets, and a thread for each
 * direction. It is {@linkplain #open opened} with a device that is down, {@linkplain #begin begins}
 * once that has its addresses, and takes everything with it when it is closed.
 *
 * <p>Methods are called by one thread at a time, {@link #counters} and {@link #failure} by any.
 */
final class Tunnel implements AutoCloseable {
  /**
   * What a tunnel is made of.
   *
   * @param device name of the TUN device
   * @param wireVni what the network's packets bear
   * @param local this host's VTEP
   * @param gateways the host's own addresses in the overlay, one of each IP family that it has,
   *     which ICMP errors come from
   * @param innerMtuBytes the largest inner packet
   */
  record Settings(
      InterfaceName device,
      Vni vni,
      Vni wireVni,
      Vtep local,
      List<InetAddress> gateways,
      SourcePorts sourcePorts,
      int innerMtuBytes) {}

  private static final System.Logger LOG = System.getLogger(Tunnel.class.getName());

  /** Some hundred superpackets, for moments when the receiving thread does not run. */
  private static final int RECEIVE_BUFFER_BYTES = 16 << 20;

  private static final int LEAST_BUFFER_BYTES = 1;

  private final Libc libc;
  private final Settings settings;
  private final Function<InetAddress, OptionalInt> pathMtu;
  private final VerdictCounters counters;
  private final Deque<AutoCloseable> parts = new ArrayDeque<>();
  private final Deque<Thread> threads = new ArrayDeque<>();
  private final Deque<Readiness> waits = new ArrayDeque<>();
  private TunDevice tun;
  private DatagramSocket socket;
  private volatile ForwardingTable table;
  private volatile boolean stopped;
  private volatile String failure;

  private Tunnel(
      Libc libc,
      Settings settings,
      Function<InetAddress, OptionalInt> pathMtu,
      VerdictCounters counters) {
    this.libc = libc;
    this.settings = settings;
    this.pathMtu = pathMtu;
    this.counters = counters;
  }

  /**
   * Creates device and sockets in the calling thread's namespace.
   *
   * @param pathMtu asks the kernel for the largest IP packet on the way to an underlay address; any
   *     thread may call it
   * @param counters of an earlier tunnel, to count on
   * @throws dev.culvert.kernel.KernelException when the kernel refuses, such as for a port that is
   *     taken
   */
  static Tunnel open(
      Libc libc,
      Settings settings,
      Function<InetAddress, OptionalInt> pathMtu,
      VerdictCounters counters) {
    Tunnel tunnel = new Tunnel(libc, settings, pathMtu, counters);
    try {
      tunnel.socket =
          tunnel.own(DatagramSocket.udp(libc, settings.local().address(), settings.local().port()));
      tunnel.socket.setBuffers(RECEIVE_BUFFER_BYTES, LEAST_BUFFER_BYTES);
      tunnel.socket.receiveMerged();
      tunnel.socket.receiveTrafficClass();
      tunnel.socket.receiveWithoutChecksum();
      tunnel.tun = tunnel.own(TunDevice.create(libc, settings.device()));
      return tunnel;
    } catch (RuntimeException e) {
      tunnel.close();
      throw e;
    }
  }

  /**
   * Starts carrying packets; there is a table, the device is up, and has the gateways' addresses.
   */
  void begin() {
    Buffers buffers = own(new Buffers());
    IcmpErrors errors = own(new IcmpErrors(libc, settings.gateways(), System::nanoTime));
    Shared shared =
        new Shared(tun, settings.vni().value(), settings.wireVni().value(), () -> table, counters);
    Sender sender = new Sender(shared, errors, new PathMtus(pathMtu, System::nanoTime), buffers);
    sender.setOutboxes(
        own(new Outboxes(libc, settings.local().address(), settings.sourcePorts(), sender)));
    Receiver receiver = new Receiver(shared, socket, settings.innerMtuBytes(), buffers);
    run("culvert-tunnel-out", sender::work, tun.fd());
    run("culvert-tunnel-in", receiver::work, socket.fd());
  }

  private <T extends AutoCloseable> T own(T part) {
    parts.push(part);
    return part;
  }

  private void run(String name, BooleanSupplier work, int fd) {
    Readiness readiness = Readiness.of(libc, fd);
    waits.push(readiness);
    threads.push(
        Thread.ofPlatform().name(name).daemon(true).start(() -> loop(name, work, readiness)));
  }

  private void loop(String name, BooleanSupplier work, Readiness readiness) {
    try {
      while (!stopped) {
        if (!work.getAsBoolean() && !readiness.await()) {
          return;
        }
      }
    } catch (DeviceGone e) {
      failure = settings.device() + ": " + e.getMessage() + "; restart the agent.";
      LOG.log(Level.ERROR, "The thread {0} ends: {1}", name, failure);
    } catch (RuntimeException | Error e) {
      failure = "the thread " + name + " ended: " + e + "; restart the agent, and report this.";
      LOG.log(Level.ERROR, "The thread " + name + " ends", e);
    }
  }

  /** From now on packets go by this table. */
  void setTable(ForwardingTable fresh) {
    table = fresh;
  }

  /** Why packets no longer flow, if so. */
  Optional<String> failure() {
    return Optional.ofNullable(failure);
  }

  Settings settings() {
    return settings;
  }

  /** Totals, by verdict. */
  Map<Verdict, Counter> counters() {
    return counters.read();
  }

  /** Stops the threads, then removes the device with its routes, and closes the sockets. */
  @Override
  public void close() {
    stopped = true;
    waits.forEach(Readiness::stop);
    boolean interrupted = false;
    for (Thread thread : threads) {
      while (thread.isAlive()) {
        try {
          thread.join();
        } catch (InterruptedException later) {
          interrupted = true;
        }
      }
    }
    waits.forEach(Readiness::close);
    while (!parts.isEmpty()) {
      try {
        parts.pop().close();
      } catch (Exception e) {
        LOG.log(Level.WARNING, "A part of the tunnel did not close", e);
      }
    }
    threads.clear();
    waits.clear();
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }
}
