// SPDX-License-Identifier: Apache-2.0
package dev.culvert.cni.conformance.check;

import dev.culvert.cni.conformance.net.Cidr;
import dev.culvert.cni.conformance.net.Nic;
import dev.culvert.cni.conformance.plugin.AddResult;
import dev.culvert.cni.conformance.plugin.CniVersion;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/** ADD, and whether what it says is what is there. */
final class AddChecks {
  private AddChecks() {}

  static List<Check> all() {
    return List.of(
        Check.must(
                "add.result",
                Chapter.ADD_SUCCESS,
                "ADD writes one JSON object, in the version of the configuration: interfaces, addresses, routes",
                AddChecks::result)
            .inEachVersion(),
        Check.must(
            "add.interface",
            Chapter.ADD,
            "ADD makes the interface CNI_IFNAME in the container; it is up",
            AddChecks::isThere),
        Check.must(
            "add.addresses",
            Chapter.ADD_SUCCESS,
            "the interface has the addresses of the result, and no others",
            AddChecks::addresses),
        Check.should(
            "add.sandbox",
            Chapter.ADD_SUCCESS,
            "the sandbox of the container's interface is CNI_NETNS as it was given",
            AddChecks::sandbox),
        Check.must(
            "add.hardware",
            Chapter.ADD_SUCCESS,
            "the MACs and MTUs that the result names are those of the interfaces",
            AddChecks::hardware),
        Check.must(
            "add.routes",
            Chapter.ADD_SUCCESS,
            "the routes of the result are in the container",
            AddChecks::routes),
        Check.must(
            "add.host-interfaces",
            Chapter.ADD_SUCCESS,
            "the result names all interfaces of the attachment, those on the host too",
            AddChecks::hostInterfaces),
        Check.must(
            "add.twice",
            Chapter.ADD,
            "ADD fails where the interface is there already, and leaves the first as it was",
            AddChecks::twice),
        Check.must(
            "add.foreign-interface",
            Chapter.ADD,
            "ADD fails where somebody else's interface has the name, and leaves that alone",
            AddChecks::foreignInterface));
  }

  private static void result(Trial trial) throws Failed {
    AddResult result = trial.added().result();
    Expect.equal(
        trial.version().toString(), result.raw().get("cniVersion"), "cniVersion of the result");
    Expect.that(
        result.inside(Trial.IFNAME).isPresent(),
        "The result should name the interface "
            + Trial.IFNAME
            + " with a sandbox, but its interfaces are "
            + result.raw().get("interfaces")
            + ".");
    Expect.that(!result.ips().isEmpty(), "The result should have an address, but ips is empty.");
    for (AddResult.Ip ip : result.ips()) {
      family(trial.version(), ip);
      Expect.that(
          ip.nic().isEmpty() || ip.nic().getAsInt() < result.interfaces().size(),
          "The interface of "
              + ip.address()
              + " should be an index into interfaces, but is "
              + ip.nic()
              + " of "
              + result.interfaces().size()
              + ".");
    }
    Expect.that(
        !result.addressesOf(Trial.IFNAME).isEmpty(),
        "The result should have an address of " + Trial.IFNAME + ", but has " + result.ips() + ".");
  }

  private static void family(CniVersion version, AddResult.Ip ip) throws Failed {
    boolean old = !version.isAtLeast(CniVersion.V1_0_0);
    Optional<String> expected = old ? Optional.of(ip.address().family()) : Optional.empty();
    Expect.that(
        ip.version().equals(expected),
        "In "
            + version
            + " the version of "
            + ip.address()
            + " should be "
            + expected.map(family -> "\"" + family + "\"").orElse("left out")
            + ", but is "
            + ip.version().map(family -> "\"" + family + "\"").orElse("left out")
            + ".");
  }

  private static void isThere(Trial trial) throws Failed {
    Added added = trial.added();
    added.expectWhole("After ADD");
    Expect.that(
        added.attachment().nic().filter(Nic::up).isPresent(),
        "After ADD, " + Trial.IFNAME + " should be up, but is down.");
  }

  private static void addresses(Trial trial) throws Failed {
    Added added = trial.added();
    Set<Cidr> seen = added.attachment().nic().map(Nic::addresses).orElse(Set.of());
    Expect.equal(new HashSet<>(added.addresses()), seen, "The addresses of " + Trial.IFNAME);
  }

  private static void sandbox(Trial trial) throws Failed {
    Added added = trial.added();
    Expect.equal(
        added.attachment().container().namespace().path(),
        added.result().inside(Trial.IFNAME).map(AddResult.Nic::sandbox).orElse("left out"),
        "The sandbox of " + Trial.IFNAME);
  }

  private static void hardware(Trial trial) throws Failed {
    Added added = trial.added();
    for (AddResult.Nic said : added.result().interfaces()) {
      Optional<Nic> seen =
          said.sandbox().isEmpty()
              ? trial.host().find(said.name())
              : added.attachment().container().namespace().find(said.name());
      if (seen.isEmpty()) {
        continue; // add.interface and add.host-interfaces say so
      }
      if (!said.mac().isEmpty()) {
        Expect.equal(
            said.mac().toLowerCase(java.util.Locale.ROOT),
            seen.get().mac(),
            "The MAC of " + said.name());
      }
      if (said.mtu().isPresent()) {
        Expect.equal(said.mtu().getAsLong(), seen.get().mtu(), "The MTU of " + said.name());
      }
    }
  }

  private static void routes(Trial trial) throws Failed, NotApplicable {
    Added added = trial.added();
    if (added.result().routes().isEmpty()) {
      throw new NotApplicable("the result names no routes");
    }
    Set<String> seen = added.attachment().container().namespace().routes();
    for (AddResult.Route route : added.result().routes()) {
      String start =
          route.destination()
              + route.gateway().map(gateway -> " via " + gateway.getHostAddress()).orElse("");
      Expect.that(
          seen.stream().anyMatch(line -> line.equals(start) || line.startsWith(start + " ")),
          "The container should have the route " + start + ", but has " + seen + ".");
    }
  }

  private static void hostInterfaces(Trial trial) throws Failed {
    Set<String> before = trial.host().names();
    Added added = trial.added();
    Set<String> after = trial.host().names();
    Set<String> named = new LinkedHashSet<>();
    for (AddResult.Nic said : added.result().interfaces()) {
      if (said.sandbox().isEmpty()) {
        named.add(said.name());
      }
    }
    Expect.that(
        after.containsAll(named),
        "The result names " + named + " on the host, where only " + after + " are.");
    Set<String> unnamed = new LinkedHashSet<>(after);
    unnamed.removeAll(before);
    unnamed.removeAll(named);
    Expect.that(
        unnamed.isEmpty(),
        "The result should name what ADD made on the host, but leaves out " + unnamed + ".");
  }

  private static void twice(Trial trial) throws Failed {
    Added first = trial.added();
    Set<String> host = trial.host().names();
    Expect.refusal(trial.add(first.attachment()), "a second ADD of the same interface");
    first.expectWhole("After a second ADD was refused");
    Set<String> seen = trial.host().awaitNames(host);
    Expect.equal(host, seen, "The host's interfaces after a second ADD was refused");
    Expect.success(trial.del(first), "DEL after a second ADD was refused");
  }

  private static void foreignInterface(Trial trial) throws Failed {
    Attachment attachment = trial.attachment();
    var namespace = attachment.container().namespace();
    var _ = namespace.ip("link", "add", Trial.IFNAME, "type", "veth", "peer", "name", "somebodys");
    Nic foreign = namespace.find(Trial.IFNAME).orElseThrow();
    Expect.refusal(trial.add(attachment), "ADD where another interface has the name");
    Expect.equal(
        Optional.of(foreign),
        namespace.find(Trial.IFNAME),
        "Somebody else's interface after ADD was refused");
  }
}
