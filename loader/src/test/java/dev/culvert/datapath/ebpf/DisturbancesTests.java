// SPDX-License-Identifier: Apache-2.0
package dev.culvert.datapath.ebpf;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.culvert.datapath.Datapath;
import dev.culvert.datapath.host.Fixture;
import dev.culvert.kernel.Libc;
import dev.culvert.kernel.host.NetNamespace;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/**
 * Somebody deletes, changes and stops each thing of ours, one after the other: it is as before
 * within seconds, or it is told. Writes a table of what each cost to a file in target.
 */
abstract class DisturbancesTests<D extends Datapath> {
  private static final long MOST_NS = TimeUnit.SECONDS.toNanos(10);

  /** How often the datapath is asked to look though nothing was told; the control plane: 5 s. */
  private static final long LOOK_MS = 500;

  private static final Pattern LOST =
      Pattern.compile("(\\d+) packets transmitted, (\\d+) received");

  private final Libc libc = Libc.system();
  private final TwoHosts hosts;
  private final TwoHosts.Host host;
  private final Semaphore changes = new Semaphore(0);

  /**
   * @param prefix of the namespaces' names, the test's own
   */
  DisturbancesTests(String prefix) {
    hosts = new TwoHosts(prefix);
    host = hosts.host(1);
  }

  abstract D start(TwoHosts hosts, TwoHosts.Host own, TwoHosts.Host other) throws Exception;

  abstract List<Fixture> fixtures(D datapath);

  /** What is attached, a line each. */
  abstract String programs(D datapath, TwoHosts.Host host);

  /** The file's name. */
  abstract String table();

  @AfterEach
  void tearDown() {
    hosts.close();
  }

  @Test
  void whatWeMadeIsKeptAsWeMadeIt() throws Exception {
    try (D datapath = start(hosts, host, hosts.host(2));
        D _ = start(hosts, hosts.host(2), host);
        AutoCloseable _ = inHost(() -> datapath.watch(changes::release))) {
      look(datapath);
      assertEquals(List.of(), datapath.problems());
      ping("10.244.2.2");
      ping("fd00:244:2::2");
      String before = picture(datapath);
      List<String> rows = new ArrayList<>();
      rows.add("| thing | disturbance | packets lost of 50 in 1 s | as before after | status |");
      rows.add("|---|---|---|---|---|");
      List<Disturbance> all = inHost(() -> Disturbance.all(host, fixtures(datapath), libc));
      assertTrue(all.size() > 20, all.size() + " disturbances");
      for (Disturbance disturbance : all) {
        rows.add(suffer(disturbance, datapath, before));
        Files.write(Path.of("target", table()), rows);
      }
    }
  }

  /** One row of the table. */
  private String suffer(Disturbance disturbance, D datapath, String before) throws Exception {
    String name = disturbance.thing() + ", " + disturbance.how();
    changes.drainPermits();
    Process ping = pinging();
    Thread.sleep(200);
    disturbance.action().run();
    long since = System.nanoTime();
    boolean mended = false;
    List<String> told = List.of();
    while (!mended && told.isEmpty()) {
      assertTrue(
          System.nanoTime() - since < MOST_NS,
          () ->
              name
                  + " is neither mended nor told; before:\n"
                  + before
                  + "\nnow:\n"
                  + now(datapath));
      look(datapath);
      told = datapath.problems();
      mended = picture(datapath).equals(before);
    }
    long tookMs = TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - since);
    int lost = lost(ping);
    assertEquals(disturbance.others(), !mended, name + ": " + told);
    if (!mended) {
      makeRoom(disturbance, datapath, before);
    }
    look(datapath);
    assertEquals(List.of(), datapath.problems(), name);
    ping("10.244.2.2");
    ping("fd00:244:2::2");
    return "| %s | %s | %d | %s | %s |"
        .formatted(
            disturbance.thing(),
            disturbance.how(),
            lost,
            mended ? tookMs + " ms" : "left as it is",
            told.isEmpty() ? "" : String.join(" ", told));
  }

  /** Does what the told sentence advises; all is as before then. */
  private void makeRoom(Disturbance disturbance, D datapath, String before) throws Exception {
    String told = String.join(" ", datapath.problems());
    Matcher route = Pattern.compile("ip route delete (\\S+)").matcher(told);
    if (route.find()) {
      host.run(
          "ip " + (route.group(1).contains(":") ? "-6 " : "") + "route delete " + route.group(1));
    } else {
      assertTrue(told.contains("attach it anew"), told);
      look(datapath);
      hosts.attachContainer(
          datapath, host, host.container(), host.containerAddress(), host.containerAddress6());
    }
    long since = System.nanoTime();
    do {
      look(datapath);
      assertTrue(
          System.nanoTime() - since < MOST_NS,
          () -> disturbance + "; before:\n" + before + "\nnow:\n" + now(datapath));
    } while (!picture(datapath).equals(before));
  }

  /** As the control plane does: at each change that is told, and now and then. */
  private void look(D datapath) throws Exception {
    boolean _ = changes.tryAcquire(LOOK_MS, TimeUnit.MILLISECONDS);
    changes.drainPermits();
    inHost(() -> {
      datapath.vanishedEndpoints().forEach(e -> datapath.detach(e.vni(), e.address()));
      return datapath.refresh();
    });
  }

  private <T> T inHost(Callable<T> work) throws Exception {
    try (NetNamespace namespace = NetNamespace.named(libc, host.namespace())) {
      return namespace.call(work);
    }
  }

  private String now(D datapath) {
    try {
      return picture(datapath) + datapath.problems();
    } catch (Exception e) {
      return e.toString();
    }
  }

  /** What iproute2, sysctl and the pins say; numbers that the kernel gives out are left out. */
  private String picture(D datapath) throws Exception {
    String links =
        sorted(
            host.run("ip -o link")
                .replaceAll("qlen \\d+|@\\S+|(?m)^\\d+: ", "")
                .replaceAll("(?m)^(culvert0-.*link/ether) \\S+", "$1"));
    String addresses =
        sorted(
            host.run("ip -o addr")
                .replaceAll("(?m)^\\d+: ", "")
                .replaceAll("(?m)^.*(fe80|tentative).*$", ""));
    String routes =
        sorted(
            (host.run("ip route") + host.run("ip -6 route"))
                .replaceAll("(?m)^(fe80|multicast).*$", ""));
    StringBuilder settings = new StringBuilder();
    for (Fixture fixture : inHost(() -> fixtures(datapath))) {
      if (fixture instanceof Fixture.Setting setting) {
        String path = setting.knob().path(setting.device());
        settings.append(path).append(valueOf(path)).append('\n');
      }
    }
    String programs = inHost(() -> programs(datapath, host));
    return links + addresses + routes + settings + programs;
  }

  private String valueOf(String setting) {
    return " = "
        + Commands.tryRun("ip netns exec " + host.namespace() + " sysctl -n " + setting).output();
  }

  private static String sorted(String lines) {
    return lines
            .lines()
            .map(String::strip)
            .filter(line -> !line.isEmpty())
            .sorted()
            .collect(Collectors.joining("\n"))
        + "\n";
  }

  private void ping(String address) {
    Commands.in(host.container(), "ping -q -c 3 -i 0.2 -W 2 " + address);
  }

  private Process pinging() throws Exception {
    return new ProcessBuilder(
            ("ip netns exec " + host.container() + " ping -q -i 0.02 -c 50 -W 1 10.244.2.2")
                .split(" "))
        .redirectErrorStream(true)
        .start();
  }

  private static int lost(Process ping) throws Exception {
    String output = new String(ping.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    Matcher matcher = LOST.matcher(output);
    assertFalse(!matcher.find(), output);
    return Integer.parseInt(matcher.group(1)) - Integer.parseInt(matcher.group(2));
  }
}
