// SPDX-License-Identifier: Apache-2.0
package dev.culvert.store.etcd;

import dev.culvert.datapath.Vtep;
import dev.culvert.kernel.RefusedException;
import java.net.URI;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;

/**
 * Where etcd is, and how to show who is asking.
 *
 * @param endpoints of its members, such as {@code https://10.0.0.5:2379} or {@code
 *     http://[fd00::5]:2379}; tried in turn
 * @param prefix of all our keys, such as {@code /culvert}
 * @param tls how members are trusted, and what they are shown
 * @param login for an etcd that asks for a name and a password
 * @param defaultPort of tunnel ends that an entry written by hand does not name; 1 to 65535
 * @param timeout until an answer is there, from 1 s to 5 min; a third of it until a connection
 *     stands, and three times of it where a host starts
 */
public record EtcdConfig(
    List<URI> endpoints,
    String prefix,
    Tls tls,
    Optional<Login> login,
    int defaultPort,
    Duration timeout) {
  /** Where keys are unless somebody says otherwise. */
  public static final String PREFIX = "/culvert";

  /** How long a member may take unless somebody says otherwise. */
  public static final Duration TIMEOUT = Duration.ofSeconds(3);

  private static final Duration LEAST_TIMEOUT = Duration.ofSeconds(1);
  private static final Duration MOST_TIMEOUT = Duration.ofMinutes(5);

  /**
   * A name and where its password is.
   *
   * @param user in etcd's own list of users
   * @param passwordFile read at each login, so that it may be replaced; its first line counts
   */
  public record Login(String user, Path passwordFile) {}

  /**
   * PEM files of TLS; read when the store is opened.
   *
   * @param authorities who signed the members' certificates; empty for those that Java trusts
   * @param certificate what this host shows, with its chain; empty for nothing
   * @param key of the certificate, unencrypted PKCS #8; there exactly where the certificate is
   */
  public record Tls(Optional<Path> authorities, Optional<Path> certificate, Optional<Path> key) {
    /** Java's own trust, and no certificate shown. */
    public static final Tls DEFAULT = new Tls(Optional.empty(), Optional.empty(), Optional.empty());

    /**
     * Checks that certificate and key come together.
     *
     * @throws RefusedException when one of the two is missing
     */
    public Tls {
      if (certificate.isPresent() != key.isPresent()) {
        throw new RefusedException(
            "A client certificate for etcd needs its key, and a key its certificate; name both or"
                + " none.");
      }
    }
  }

  /**
   * Checks the endpoints and the prefix.
   *
   * @throws RefusedException in one sentence that says what is wrong
   */
  public EtcdConfig {
    endpoints = List.copyOf(endpoints);
    if (endpoints.isEmpty()) {
      throw new RefusedException("etcd needs an endpoint, such as http://10.0.0.5:2379.");
    }
    endpoints.forEach(EtcdConfig::check);
    if (!prefix.matches("/[\\x21-\\x7e]*[\\x21-\\x2e\\x30-\\x7e]")) {
      throw new RefusedException(
          "The prefix \"" + prefix + "\" will not do: write it as " + PREFIX + ", with no / last.");
    }
    if (timeout.compareTo(LEAST_TIMEOUT) < 0 || timeout.compareTo(MOST_TIMEOUT) > 0) {
      throw new RefusedException(
          "etcd's timeout is from 1 s to 5 min, not " + timeout.toMillis() + " ms.");
    }
  }

  /**
   * With the usual {@link #TIMEOUT}.
   *
   * @param endpoints as of the record
   * @param prefix as of the record
   * @param tls as of the record
   * @param login as of the record
   * @param defaultPort as of the record
   */
  public EtcdConfig(
      List<URI> endpoints, String prefix, Tls tls, Optional<Login> login, int defaultPort) {
    this(endpoints, prefix, tls, login, defaultPort, TIMEOUT);
  }

  /**
   * {@return the same with another timeout}
   *
   * @param other as of the record
   */
  public EtcdConfig withTimeout(Duration other) {
    return new EtcdConfig(endpoints, prefix, tls, login, defaultPort, other);
  }

  /**
   * {@return what reaches an etcd without TLS or passwords}
   *
   * @param endpoints as of the record
   */
  public static EtcdConfig plain(List<URI> endpoints) {
    return new EtcdConfig(endpoints, PREFIX, Tls.DEFAULT, Optional.empty(), Vtep.VXLAN_PORT);
  }

  /**
   * {@return an endpoint}
   *
   * @param text such as {@code https://10.0.0.5:2379}
   * @throws RefusedException when it is none
   */
  public static URI endpoint(String text) {
    try {
      URI endpoint = URI.create(text);
      check(endpoint);
      return endpoint;
    } catch (IllegalArgumentException e) {
      throw new RefusedException(wrong(text), e);
    }
  }

  private static void check(URI endpoint) {
    boolean scheme = "http".equals(endpoint.getScheme()) || "https".equals(endpoint.getScheme());
    boolean bare = endpoint.getPath().isEmpty() || endpoint.getPath().equals("/");
    if (!scheme || endpoint.getHost() == null || !bare || endpoint.getUserInfo() != null) {
      throw new RefusedException(wrong(endpoint.toString()));
    }
  }

  private static String wrong(String text) {
    return "\""
        + text
        + "\" is no endpoint of etcd; write it as http://10.0.0.5:2379 or https://[fd00::5]:2379.";
  }
}
