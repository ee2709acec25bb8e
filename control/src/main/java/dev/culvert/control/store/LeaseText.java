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
import java.time.DateTimeException;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;

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
 * </pre>
 */
public final class LeaseText {
  private static final List<String> REQUIRED = List.of("subnet", "vni", "host", "address", "mac");
  private static final List<String> KEYS =
      List.of(
          "subnet", "vni", "host", "address", "port", "mac", "generation", "renewed", "expires");

  /** What a file says at one line. */
  private record Entry(String value, int line) {}

  /** The text is no lease's. The message is a clause that begins with the line. */
  public static final class MalformedException extends Exception {
    private static final long serialVersionUID = 1;

    MalformedException(String message) {
      super(message);
    }
  }

  private final Map<String, Entry> entries;

  private LeaseText(Map<String, Entry> entries) {
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
    return new LeaseText(entries(text)).lease(defaultPort);
  }

  /**
   * {@return a text that {@link #parse} understands: the same for the same lease}
   *
   * @param lease of any generation
   */
  public static String format(Lease lease) {
    StringBuilder text = new StringBuilder("# Written by Culvert; see docs/lease-files.md.\n");
    line(text, "subnet", lease.subnet().prefix());
    line(text, "vni", lease.subnet().vni());
    line(text, "host", lease.host());
    line(text, "address", IpAddresses.text(lease.vtep().address()));
    line(text, "port", lease.vtep().port());
    line(text, "mac", lease.vtep().mac());
    line(text, "generation", lease.generation());
    lease.term().flatMap(Lease.Term::renewed).ifPresent(at -> line(text, "renewed", at));
    lease.expires().ifPresent(at -> line(text, "expires", at));
    return text.toString();
  }

  private static void line(StringBuilder text, String key, Object value) {
    text.append(key).append(" = ").append(value).append('\n');
  }

  private static Map<String, Entry> entries(String text) throws MalformedException {
    Map<String, Entry> entries = new LinkedHashMap<>();
    int number = 0;
    for (String raw : text.split("\n", -1)) {
      number++;
      String line = raw.replaceFirst("#.*", "").strip();
      if (line.isEmpty()) {
        continue;
      }
      int equals = line.indexOf('=');
      if (equals < 0) {
        throw new MalformedException("line " + number + ": \"" + line + "\" is not key = value.");
      }
      String key = line.substring(0, equals).strip();
      if (!KEYS.contains(key)) {
        throw new MalformedException(
            "line "
                + number
                + ": unknown key \""
                + key
                + "\"; the keys are "
                + String.join(", ", KEYS)
                + ".");
      }
      Entry entry = new Entry(line.substring(equals + 1).strip(), number);
      Entry earlier = entries.putIfAbsent(key, entry);
      if (earlier != null) {
        throw new MalformedException(
            "line " + number + ": " + key + " stands in line " + earlier.line() + " already.");
      }
    }
    return entries;
  }

  private Lease lease(int defaultPort) throws MalformedException {
    for (String key : REQUIRED) {
      if (!entries.containsKey(key)) {
        int last = entries.values().stream().mapToInt(Entry::line).max().orElse(1);
        throw new MalformedException("line " + last + ": the text ends without " + key + ".");
      }
    }
    Subnet subnet =
        new Subnet(
            read("vni", value -> new Vni(Integer.parseInt(value))),
            read("subnet", IpPrefix::parse));
    InetAddress address = read("address", IpPrefix::parseAddress);
    int port = entries.containsKey("port") ? read("port", Integer::parseInt) : defaultPort;
    MacAddress mac = read("mac", MacAddress::parse);
    Vtep vtep =
        read(
            entries.containsKey("port") ? "port" : "address",
            value -> new Vtep(address, port, mac));
    long generation =
        entries.containsKey("generation") ? read("generation", LeaseText::generation) : 1;
    Optional<Lease.Term> term = term();
    return read("host", host -> new Lease(subnet, new HostName(host), vtep, generation, term));
  }

  private Optional<Lease.Term> term() throws MalformedException {
    Optional<Instant> renewed = Optional.empty();
    if (entries.containsKey("renewed")) {
      renewed = Optional.of(read("renewed", LeaseText::instant));
    }
    if (!entries.containsKey("expires")) {
      return Optional.empty();
    }
    Optional<Instant> since = renewed;
    return Optional.of(read("expires", value -> new Lease.Term(since, instant(value))));
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

  private <T> T read(String key, Function<String, T> reader) throws MalformedException {
    Entry entry = entries.get(key);
    try {
      return reader.apply(entry.value());
    } catch (NumberFormatException e) {
      throw malformed(key, entry, "\"" + entry.value() + "\" is not a whole number in range.", e);
    } catch (DateTimeException e) {
      String problem = "\"" + entry.value() + "\" is not a time; write it as 2026-11-24T10:00:00Z.";
      throw malformed(key, entry, problem, e);
    } catch (RefusedException | IllegalArgumentException e) {
      throw malformed(key, entry, e.getMessage(), e);
    }
  }

  private static MalformedException malformed(
      String key, Entry entry, String problem, RuntimeException cause) {
    var malformed = new MalformedException("line " + entry.line() + ": " + key + ": " + problem);
    malformed.initCause(cause);
    return malformed;
  }
}
