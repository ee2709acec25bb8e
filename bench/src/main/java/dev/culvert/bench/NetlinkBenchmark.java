// SPDX-License-Identifier: Apache-2.0
package dev.culvert.bench;

import dev.culvert.kernel.InterfaceName;
import dev.culvert.kernel.Libc;
import dev.culvert.kernel.host.NetNamespace;
import dev.culvert.kernel.netlink.LinkInfo;
import dev.culvert.kernel.netlink.Netlink;
import dev.culvert.kernel.netlink.RouteInfo;
import dev.culvert.kernel.netlink.VethEnd;
import java.io.IOException;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;

/** Dumps of a namespace's devices and routes, against ip(8) with JSON. */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
@Fork(1)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
public class NetlinkBenchmark {
  @Param({"2", "200"})
  public int links;

  private final Libc libc = Libc.system();
  private final String namespaceName = "culvert-bench-" + ProcessHandle.current().pid();
  private NetNamespace namespace;
  private Netlink netlink;

  @Setup
  public void make() {
    namespace = NetNamespace.create(libc, namespaceName);
    netlink = Netlink.open(libc, namespace);
    for (int i = 0; i < links / 2; i++) {
      netlink.createVeth(end("here" + i, i), end("there" + i, links + i));
    }
  }

  private static VethEnd end(String name, int number) {
    return new VethEnd(
        new InterfaceName(name),
        -1,
        new byte[] {2, 0, 0, 0, (byte) (number >> 8), (byte) number},
        1450);
  }

  @TearDown
  public void close() {
    netlink.close();
    namespace.close();
    NetNamespace.delete(libc, namespaceName);
  }

  @Benchmark
  public List<LinkInfo> dumpLinks() {
    return netlink.links();
  }

  @Benchmark
  public List<RouteInfo> dumpRoutes() {
    return netlink.routes().all();
  }

  /** A process each time, as a program without netlink would do it. */
  @Benchmark
  public long ipJsonLinks() throws IOException, InterruptedException {
    Process ip = new ProcessBuilder("ip", "-n", namespaceName, "-json", "link").start();
    long bytes = ip.getInputStream().readAllBytes().length;
    if (ip.waitFor() != 0) {
      throw new IllegalStateException("ip -json link failed: is iproute2 installed?");
    }
    return bytes;
  }
}
