// SPDX-License-Identifier: Apache-2.0
package dev.culvert.control.store;

import dev.culvert.control.HostName;
import dev.culvert.control.Lease;
import dev.culvert.datapath.IpPrefix;
import dev.culvert.datapath.MacAddress;
import dev.culvert.datapath.Subnet;
import dev.culvert.datapath.Vni;
import dev.culvert.datapath.Vtep;
import dev.culvert.kernel.IpAddresses;
import dev.culvert.kernel.RefusedException;
import java.net.InetAddress;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.util.List;
import java.util.Objects;
import java.util.Optional;

/**
 * The text of one lease, as stores keep it that a person reads and writes too: {@code key = value}
 * lines in UTF-8, {@code #} begins a comment. Pure, for any thread; the format is described in
 * docs/lease-files.md.
 *
 * <pre>
 * subnet = 10.244.2.0/24
 * vni = 1
 * host = host-02
 * address = 10.18.2.2
 * port = 4789                      # optional
 * mac = 02:00:0a:12:02:02
 * generation = 1                   # optional
 * renewed = 2026-11-23T10:00:00Z   # optional
 * expires = 2026-11-24T10:00:00Z   # optional: without it the lease is static
 * accepts = 2                      # optional: the last change of the network whose packets it takes
 * sends = 2                        # optional: since that change it sends nothing of before
 * </pre>
 */
public final class LeaseText {
  private static final List<String> REQUIRED = List.of("subnet", "vni", "host", "address", "mac");
  private static final List<String> KEYS =
      List.of(
          "subnet",
          "vni",
          "host",
          "address",
          "port",
          "mac",
          "generation",
          "renewed",
          "expires",
          "accepts",
          "sends");

  /** The text is no lease's. The message is a clause that begins with the line. */
  public static final class MalformedException extends Exception {
    private static final long serialVersionUID = 1;

    MalformedException(String message) {
      super(message);
    }
  }

  private final TextEntries entries;

  private LeaseText(TextEntries entries) {
    this.entries = entries;
  }

  /**
   * {@return the lease that a text describes}
   *
   * @param text of the lines above, in any order
   * @param defaultPort the tunnel's, where the text names none; 1 to 65535
   * @throws MalformedException naming the first line that makes no sense
   */
  public static Lease parse(String text, int defaultPort) throws MalformedException {
    Objects.requireNonNull(text, "text");
    TextEntries entries = TextEntries.parse(text, KEYS::contains, String.join(", ", KEYS));
    entries.require(REQUIRED);
    return new LeaseText(entries).lease(defaultPort);
  }

  /**
   * {@return a text that {@link #parse} understands: the same for the same lease}
   *
   * @param lease of any generation
   */
  public static String format(Lease lease) {
    Objects.requireNonNull(lease, "lease");
    StringBuilder text = new StringBuilder("# Written by Culvert; see docs/lease-files.md.\n");
    TextEntries.line(text, "subnet", lease.subnet().prefix());
    TextEntries.line(text, "vni", lease.subnet().vni());
    TextEntries.line(text, "host", lease.host());
    TextEntries.line(text, "address", IpAddresses.text(lease.vtep().address()));
    TextEntries.line(text, "port", lease.vtep().port());
    TextEntries.line(text, "mac", lease.vtep().mac());
    TextEntries.line(text, "generation", lease.generation());
    lease
        .term()
        .flatMap(Lease.Term::renewed)
        .ifPresent(at -> TextEntries.line(text, "renewed", at));
    lease.expires().ifPresent(at -> TextEntries.line(text, "expires", at));
    if (!lease.stage().equals(Lease.Stage.NONE)) {
      TextEntries.line(text, "accepts", lease.stage().accepts());
      TextEntries.line(text, "sends", lease.stage().sends());
    }
    return text.toString();
  }

  private Lease lease(int defaultPort) throws MalformedException {
    Subnet subnet =
        new Subnet(
            entries.read("vni", value -> new Vni(Integer.parseInt(value))),
            entries.read("subnet", IpPrefix::parse));
    InetAddress address = entries.read("address", IpPrefix::parseAddress);
    int port = entries.has("port") ? entries.read("port", Integer::parseInt) : defaultPort;
    MacAddress mac = entries.read("mac", MacAddress::parse);
    Vtep vtep =
        entries.read(
            entries.has("port") ? "port" : "address", value -> new Vtep(address, port, mac));
    long generation =
        entries.has("generation") ? entries.read("generation", LeaseText::generation) : 1;
    Optional<Lease.Term> term = term();
    Lease.Stage stage = stage();
    return entries.read(
        "host", host -> new Lease(subnet, new HostName(host), vtep, generation, term, stage));
  }

  private Lease.Stage stage() throws MalformedException {
    if (!entries.has("accepts")) {
      return Lease.Stage.NONE;
    }
    long sends = entries.has("sends") ? entries.read("sends", Long::parseLong) : 0;
    return entries.read("accepts", value -> new Lease.Stage(Long.parseLong(value), sends));
  }

  private Optional<Lease.Term> term() throws MalformedException {
    Optional<Instant> renewed = Optional.empty();
    if (entries.has("renewed")) {
      renewed = Optional.of(entries.read("renewed", LeaseText::instant));
    }
    if (!entries.has("expires")) {
      return Optional.empty();
    }
    Optional<Instant> since = renewed;
    return Optional.of(entries.read("expires", value -> new Lease.Term(since, instant(value))));
  }

  private static long generation(String value) {
    long generation = Long.parseLong(value);
    if (generation < 1) {
      throw new RefusedException("generations begin at 1, so " + value + " is none.");
    }
    return generation;
  }

  private static Instant instant(String value) {
    OffsetDateTime time = OffsetDateTime.parse(value);
    if (time.getYear() < 1970 || time.getYear() > 9998) {
      throw new RefusedException("the year of " + value + " is outside 1970-9998.");
    }
    return time.toInstant();
  }
}
