// SPDX-License-Identifier: Apache-2.0
package dev.culvert.store.etcd;

import java.io.IOException;
import java.net.ConnectException;
import java.net.URI;
import java.net.http.HttpTimeoutException;
import java.nio.channels.UnresolvedAddressException;
import java.security.cert.CertPathBuilderException;
import java.security.cert.CertificateException;
import java.security.cert.CertificateExpiredException;
import java.security.cert.CertificateNotYetValidException;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import javax.net.ssl.SSLException;

/**
 * Why etcd does not answer or refuses, in words that say what to look at. What Java and etcd say
 * themselves is kept where we know no better. Pure.
 */
final class Reasons {
  /** What etcd says (etcd's api/v3rpc/rpctypes/error.go), and what to do about it. */
  private static final Map<String, String> ADVICE =
      Map.of(
          "invalid user ID or password",
          "the user and the password do not fit; look at user and passwordFile",
          "authentication is not enabled",
          "it asks nobody for a password; remove user and passwordFile, or run \"etcdctl auth"
              + " enable\"",
          "user name is empty",
          "it asks for a user; name user and passwordFile",
          "permission denied",
          "the user may not read and write below the prefix; grant it with \"etcdctl role"
              + " grant-permission ROLE readwrite PREFIX/ --prefix\"",
          "database space exceeded",
          "its space is used up; compact and defragment it, then run \"etcdctl alarm disarm\"",
          "CommonName of client sending a request",
          "the client certificate has a common name (CN), which its gateway refuses while passwords"
              + " are on; make one with subject alternative names only",
          "Client sent an HTTP request to an HTTPS server",
          "it speaks TLS there; write https:// in its endpoint");

  /** Of TLS, about the certificate that this host shows or does not show. */
  private static final List<String> ALERTS =
      List.of(
          "bad_certificate",
          "certificate_required",
          "certificate_expired",
          "unknown_ca",
          "certificate_unknown",
          "handshake_failure");

  private Reasons() {}

  /**
   * @param said by etcd, or by whatever answers there
   * @param known whether a user is configured
   */
  static String refusal(int status, String said, boolean known) {
    if (!known && said.contains("permission denied")) { // 3.4 says no more to who has no name
      return said.strip() + ": " + ADVICE.get("user name is empty");
    }
    return ADVICE.entrySet().stream()
        .filter(advice -> said.contains(advice.getKey()))
        .map(advice -> said.strip() + ": " + advice.getValue())
        .findFirst()
        .orElseGet(() -> "status " + status + ", " + said.strip());
  }

  /**
   * @param endpoint that was asked
   * @param shows whether a client certificate is configured
   */
  static String failure(URI endpoint, boolean shows, IOException e) {
    boolean tls = endpoint.getScheme().equals("https");
    return certificate(e)
        .or(() -> connection(e))
        .or(() -> tls ? handshake(shows, e) : closed(e))
        .orElseGet(() -> e.getMessage() == null ? e.getClass().getSimpleName() : e.getMessage());
  }

  private static Optional<String> connection(IOException e) {
    if (find(e, UnresolvedAddressException.class).isPresent()) {
      return Optional.of("its name is not known; write an address, or mend the name service");
    }
    if (e instanceof HttpTimeoutException) {
      return Optional.of(e.getMessage()); // the gateway's own
    }
    return e instanceof ConnectException
        ? Optional.of("the connection is refused; is etcd running there?")
        : Optional.empty();
  }

  private static Optional<String> certificate(IOException e) {
    if (find(e, CertificateExpiredException.class).isPresent()) {
      return Optional.of("its certificate has expired; give it another one");
    }
    if (find(e, CertificateNotYetValidException.class).isPresent()) {
      return Optional.of("its certificate is not valid yet; is a clock wrong?");
    }
    if (find(e, CertPathBuilderException.class).isPresent()) {
      return Optional.of(
          "its certificate is signed by none of those that are trusted; is caFile the authority that"
              + " signed it?");
    }
    return find(e, CertificateException.class)
        .filter(c -> String.valueOf(c.getMessage()).startsWith("No "))
        .map(_ ->
            "its certificate is for another name or address; make one for this endpoint, or write"
                + " the name that it is for");
  }

  private static Optional<String> handshake(boolean shows, IOException e) {
    String said = String.valueOf(e.getMessage());
    if (said.contains("Unsupported or unrecognized SSL message") || said.contains("plaintext")) {
      return Optional.of("it does not speak TLS there; write http:// in its endpoint");
    }
    if (said.contains("terminated the handshake")) {
      return Optional.of("it ends the TLS handshake without a word; does it want http:// there?");
    }
    // By an alert, or, in TLS 1.3, by closing a connection that seemed to stand.
    boolean refused =
        isClosed(said)
            || (find(e, SSLException.class).isPresent()
                && ALERTS.stream().anyMatch(said::contains));
    if (!refused) {
      return Optional.empty();
    }
    return Optional.of(
        shows
            ? "it refuses this host's client certificate; has certFile expired, or did another"
                + " authority sign it?"
            : "it wants a client certificate; name certFile and keyFile");
  }

  private static boolean isClosed(String said) {
    return said.contains("received no bytes") || said.contains("EOF reached");
  }

  private static Optional<String> closed(IOException e) {
    String said = String.valueOf(e.getMessage());
    return isClosed(said)
        ? Optional.of("it closed the connection without a word; does it want https:// there?")
        : Optional.empty();
  }

  /** With a full stop, where it has no mark at its end. */
  static String sentence(String said) {
    return said.matches("(?s).*[.?!]") ? said : said + ".";
  }

  private static <T> Optional<T> find(Throwable e, Class<T> type) {
    for (Throwable cause = e; cause != null; cause = cause.getCause()) {
      if (type.isInstance(cause)) {
        return Optional.of(type.cast(cause));
      }
    }
    return Optional.empty();
  }
}
