// SPDX-License-Identifier: Apache-2.0
package dev.culvert.control;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.culvert.control.LeaseView.Known;
import dev.culvert.datapath.Subnet;
import java.net.InetAddress;
import java.time.Duration;
import java.time.Instant;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.TreeMap;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Whatever came and went, the index answers as somebody would who looks at every lease. */
final class LeaseIndexTest {
  private static final HostName OWN = new HostName("host-1");
  private static final Instant BEGIN = Instant.parse("2026-11-29T00:00:00Z");

  private final LeaseIndex index = new LeaseIndex(OWN, LeaseIndexTest::watchedUntil);
  private final Map<Subnet, Known> all = new TreeMap<>();

  private static Optional<Instant> watchedUntil(Known known) {
    return known.lease().expires().map(_ -> known.since().plusSeconds(10));
  }

  private static Instant at(int second) {
    return BEGIN.plusSeconds(second);
  }

  /** Of few subnets, hosts, addresses and times, so that all of them meet. */
  private static Known known(SplittableRandom random) {
    Lease lease =
        Fixtures.lease(
            "10.244." + random.nextInt(6) + ".0/24",
            "host-" + random.nextInt(4),
            1,
            "10.18.2." + random.nextInt(3),
            1);
    Optional<Lease.Term> term =
        random.nextInt(3) == 0
            ? Optional.empty()
            : Optional.of(Lease.Term.from(at(random.nextInt(20)), Duration.ofSeconds(20)));
    return new Known(lease.withTerm(term), at(random.nextInt(20)));
  }

  private Stream<Known> others() {
    return all.values().stream().filter(known -> !known.lease().host().equals(OWN));
  }

  private void compare(Instant now) {
    assertEquals(all.keySet(), index.subnets());
    assertEquals(
        all.values().stream().map(Known::lease).filter(own -> own.host().equals(OWN)).toList(),
        index.namesakes());
    Map<InetAddress, Set<Subnet>> byVtep =
        others()
            .collect(
                Collectors.groupingBy(
                    known -> known.lease().vtep().address(),
                    Collectors.mapping(known -> known.lease().subnet(), Collectors.toSet())));
    assertEquals(byVtep.keySet(), index.vteps());
    for (int i = 0; i < 3; i++) {
      InetAddress vtep = Fixtures.address("10.18.2." + i);
      assertEquals(byVtep.getOrDefault(vtep, Set.of()), index.behind(vtep));
    }
    assertEquals(
        others()
            .filter(known -> watchedUntil(known).filter(end -> !end.isAfter(now)).isPresent())
            .map(known -> known.lease().subnet())
            .collect(Collectors.toSet()),
        index.watchedBy(now).collect(Collectors.toSet()));
    assertEquals(
        others()
            .flatMap(known -> watchedUntil(known).stream())
            .filter(end -> end.isAfter(now))
            .min(Comparator.naturalOrder()),
        index.nextWatched(now));
    List<Known> expired =
        others()
            .filter(known -> known.lease().expires().filter(end -> end.isBefore(now)).isPresent())
            .toList();
    assertEquals(expired, index.expiredBefore(now));
  }

  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3, 4, 5})
  void answersAsALookAtEveryLeaseWould(long seed) {
    SplittableRandom random = new SplittableRandom(seed);
    for (int i = 0; i < 500; i++) {
      Known known = known(random);
      Subnet subnet = known.lease().subnet();
      boolean goes = random.nextInt(4) == 0;
      if (goes) {
        all.remove(subnet);
      } else {
        all.put(subnet, known);
      }
      index.put(subnet, goes ? Optional.empty() : Optional.of(known));
      compare(at(random.nextInt(45)));
    }
  }
}
