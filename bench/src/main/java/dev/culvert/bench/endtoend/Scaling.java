// SPDX-License-Identifier: Apache-2.0
package dev.culvert.bench.endtoend;

import dev.culvert.bench.endtoend.peer.Peer;
import dev.culvert.bench.endtoend.result.ScalingCurve;
import dev.culvert.lab.Lab;
import dev.culvert.lab.LabException;
import dev.culvert.lab.LabPlan;
import dev.culvert.measure.Measurement;
import dev.culvert.measure.PacketRate;
import dev.culvert.measure.Rounds;
import dev.culvert.measure.Samples;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * Packet rates as subnets, containers and hosts grow in number. The traffic is always that of two
 * containers: what is asked is whether the others slow it down. A size for which there is no time
 * is left out, and told.
 */
final class Scaling {
  private static final Set<String> PEERS =
      Set.of("routes", Peer.REFERENCE, "tunnel-key", Peer.CULVERT);

  private static final int[] SUBNETS = {10, 100, 1000, 10_000, 65_000};
  private static final int[] CONTAINERS = {2, 20, 200};
  private static final int[] HOSTS = {2, 8, 32};
  private static final int ROUNDS = 5;
  private static final int PAYLOAD_BYTES = 64;

  /** What building takes, about, with a margin. */
  private static final double SECONDS_PER_AGENT = 1.5;

  private static final double SECONDS_PER_HOST = 0.3;
  private static final double SECONDS_PER_CONTAINER = 0.08;
  private static final double SECONDS_PER_THOUSAND_SUBNETS = 0.3;

  private final Lab lab;
  private final Clock clock;
  private final Measurement measurement;
  private final List<String> failures;

  Scaling(Lab lab, Clock clock, Settings settings, List<String> failures) {
    this.lab = lab;
    this.clock = clock;
    this.measurement = new PacketRate(PAYLOAD_BYTES, settings.turn());
    this.failures = failures;
  }

  List<ScalingCurve> run(List<Peer> all) {
    List<Peer> peers = all.stream().filter(peer -> PEERS.contains(peer.id())).toList();
    if (peers.isEmpty()) {
      return List.of();
    }
    List<ScalingCurve> curves = new ArrayList<>();
    curves.add(
        curve("containers", "containers on two hosts", sizes(peers, CONTAINERS, "containers")));
    curves.add(curve("hosts", "hosts, each with a container", sizes(peers, HOSTS, "hosts")));
    // Last: the kernel goes on removing so many routes after their namespaces are gone, and makes
    // whoever changes a network wait meanwhile.
    curves.add(curve("subnets", "subnets that each host knows", subnets(peers)));
    return curves.stream().filter(curve -> !curve.points().isEmpty()).toList();
  }

  private ScalingCurve curve(String id, String axis, SortedMap<Integer, Samples> points) {
    String title = "Packets a second as " + id + " grow in number";
    return new ScalingCurve(id, title, axis, measurement.quantities().getFirst(), points);
  }

  /** One course, which is given more and more subnets. */
  private SortedMap<Integer, Samples> subnets(List<Peer> peers) {
    SortedMap<Integer, Samples> points = new TreeMap<>();
    try (Course course = new Course(lab, LabPlan.Family.IPV4)) {
      build(course, peers, 2, 2);
      int known = 2;
      for (int size : SUBNETS) {
        String what = size + " subnets";
        if (!timeFor(what, peers, size / 1000.0 * SECONDS_PER_THOUSAND_SUBNETS)) {
          break;
        }
        List<Course.Built> able = able(course, size);
        for (Course.Built built : able) {
          clock.now("scaling: " + what + " for " + built.peer().id());
          SubnetGrowth.grow(built, known, size);
        }
        known = size;
        points.put(size, take(able, what));
      }
    } catch (LabException | IllegalStateException e) {
      rethrowIfOver(e);
      failures.add("Scaling by subnets: " + e.getMessage());
    }
    return points;
  }

  private List<Course.Built> able(Course course, int size) {
    List<Course.Built> able = new ArrayList<>();
    for (Course.Built built : course.all()) {
      if (size <= SubnetGrowth.most(built)) {
        able.add(built);
      } else {
        failures.add(
            "Scaling, %d subnets: %s left out, which would take minutes to be told of them."
                .formatted(size, built.peer().id()));
      }
    }
    return able;
  }

  /** A course of its own for each size. */
  private SortedMap<Integer, Samples> sizes(List<Peer> peers, int[] sizes, String unit) {
    SortedMap<Integer, Samples> points = new TreeMap<>();
    for (int size : sizes) {
      String what = size + " " + unit;
      int hosts = unit.equals("hosts") ? size : 2;
      double building = peers.stream().mapToDouble(peer -> building(peer, hosts, size)).sum();
      if (!timeFor(what, peers, building)) {
        break;
      }
      try (Course course = new Course(lab, LabPlan.Family.IPV4)) {
        build(course, peers, hosts, size);
        points.put(size, take(course.all(), what));
      } catch (LabException e) {
        rethrowIfOver(e);
        failures.add("Scaling, " + what + ": " + e.getMessage());
      }
    }
    return points;
  }

  private static double building(Peer peer, int hosts, int containers) {
    double perHost = peer.id().equals(Peer.CULVERT) ? SECONDS_PER_AGENT : SECONDS_PER_HOST;
    return hosts * perHost + containers * SECONDS_PER_CONTAINER;
  }

  private void build(Course course, List<Peer> peers, int hosts, int containers) {
    for (Peer peer : peers) {
      clock.now("scaling: %s on %d hosts, %d containers".formatted(peer.id(), hosts, containers));
      course.add(peer, hosts, containers);
    }
    course.setMtu(course.commonMtuBytes());
  }

  private void rethrowIfOver(RuntimeException e) {
    if (lab.isOver()) {
      throw e;
    }
  }

  private boolean timeFor(String what, List<Peer> peers, double building) {
    double needed = building + ROUNDS * peers.size() * measurement.seconds();
    if (clock.secondsLeft() > needed) {
      return true;
    }
    failures.add(
        "Scaling, %s: left out, since it would take %.0f s and %.0f s were left."
            .formatted(what, needed, Math.max(0, clock.secondsLeft())));
    return false;
  }

  private Samples take(List<Course.Built> takers, String what) {
    Rounds rounds =
        new Rounds(takers.stream().map(Course.Built::contestant).toList(), List.of(measurement));
    for (int round = 1; round <= ROUNDS; round++) {
      String where = "scaling: %s, round %d, ".formatted(what, round);
      rounds.take(turn -> clock.now(where + turn), lab::isOver);
    }
    rounds.failures().forEach(failure -> failures.add("Scaling, " + what + ": " + failure));
    return rounds.samples();
  }
}
