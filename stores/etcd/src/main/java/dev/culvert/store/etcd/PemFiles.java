// SPDX-License-Identifier: Apache-2.0
package dev.culvert.store.etcd;

import dev.culvert.kernel.RefusedException;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.KeyStore;
import java.security.PrivateKey;
import java.security.cert.Certificate;
import java.security.cert.CertificateFactory;
import java.security.spec.InvalidKeySpecException;
import java.security.spec.PKCS8EncodedKeySpec;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Optional;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.TrustManagerFactory;

/** TLS from PEM files, as etcd's own tools take them. */
final class PemFiles {
  private static final char[] NO_PASSWORD = {};
  private static final List<String> KEY_KINDS = List.of("EC", "RSA", "Ed25519");

  private PemFiles() {}

  /**
   * @throws RefusedException naming the file that will not do
   */
  static SSLContext context(EtcdConfig.Tls tls) {
    try {
      SSLContext context = SSLContext.getInstance("TLS");
      context.init(
          tls.certificate().isPresent() ? shown(tls).getKeyManagers() : null,
          tls.authorities().isPresent()
              ? trusted(tls.authorities().get()).getTrustManagers()
              : null,
          null);
      return context;
    } catch (GeneralSecurityException e) {
      throw new RefusedException("TLS for etcd cannot be set up: " + e.getMessage() + ".", e);
    }
  }

  /** When each of the files was changed last, to see whether somebody replaced one. */
  static List<Object> ages(EtcdConfig.Tls tls) {
    List<Object> ages = new ArrayList<>();
    for (Optional<Path> file : List.of(tls.authorities(), tls.certificate(), tls.key())) {
      try {
        ages.add(file.isPresent() ? Files.getLastModifiedTime(file.get()) : "none");
      } catch (IOException e) {
        ages.add("unreadable");
      }
    }
    return ages;
  }

  private static TrustManagerFactory trusted(Path authorities) throws GeneralSecurityException {
    KeyStore store = empty();
    for (Certificate certificate : certificates(authorities)) {
      store.setCertificateEntry("authority-" + store.size(), certificate);
    }
    var factory = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
    factory.init(store);
    return factory;
  }

  private static KeyManagerFactory shown(EtcdConfig.Tls tls) throws GeneralSecurityException {
    Path certificate = tls.certificate().orElseThrow();
    KeyStore store = empty();
    store.setKeyEntry(
        "own",
        key(tls.key().orElseThrow()),
        NO_PASSWORD,
        certificates(certificate).toArray(new Certificate[0]));
    var factory = KeyManagerFactory.getInstance(KeyManagerFactory.getDefaultAlgorithm());
    factory.init(store, NO_PASSWORD);
    return factory;
  }

  private static KeyStore empty() throws GeneralSecurityException {
    KeyStore store = KeyStore.getInstance("PKCS12");
    try {
      store.load(null, NO_PASSWORD);
    } catch (IOException e) {
      throw new GeneralSecurityException(e);
    }
    return store;
  }

  private static List<Certificate> certificates(Path file) throws GeneralSecurityException {
    List<Certificate> certificates = new ArrayList<>();
    try {
      byte[] text = read(file).getBytes(java.nio.charset.StandardCharsets.US_ASCII);
      certificates.addAll(
          CertificateFactory.getInstance("X.509")
              .generateCertificates(new ByteArrayInputStream(text)));
    } catch (java.security.cert.CertificateException e) {
      throw new RefusedException(file + " holds no certificates in PEM: " + e.getMessage(), e);
    }
    if (certificates.isEmpty()) {
      throw new RefusedException(file + " holds no certificate in PEM.");
    }
    return certificates;
  }

  private static PrivateKey key(Path file) throws GeneralSecurityException {
    byte[] encoded =
        section(read(file), "PRIVATE KEY")
            .orElseThrow(() ->
                new RefusedException(
                    file
                        + " holds no unencrypted PKCS #8 key; make one with \"openssl pkcs8 -topk8"
                        + " -nocrypt -in KEY -out "
                        + file.getFileName()
                        + "\"."));
    for (String kind : KEY_KINDS) {
      try {
        return KeyFactory.getInstance(kind).generatePrivate(new PKCS8EncodedKeySpec(encoded));
      } catch (InvalidKeySpecException e) {
        // of another kind
      }
    }
    throw new RefusedException(file + " holds a key that is neither EC nor RSA nor Ed25519.");
  }

  private static Optional<byte[]> section(String text, String name) {
    String begin = "-----BEGIN " + name + "-----";
    int from = text.indexOf(begin);
    int to = text.indexOf("-----END " + name + "-----");
    if (from < 0 || to < from) {
      return Optional.empty();
    }
    try {
      return Optional.of(Base64.getMimeDecoder().decode(text.substring(from + begin.length(), to)));
    } catch (IllegalArgumentException e) {
      return Optional.empty();
    }
  }

  private static String read(Path file) {
    try {
      return Files.readString(file, java.nio.charset.StandardCharsets.ISO_8859_1);
    } catch (NoSuchFileException e) {
      throw new RefusedException(
          "There is no file " + file + ", which the configuration names for etcd.", e);
    } catch (IOException e) {
      throw new RefusedException("The file " + file + " for etcd cannot be read: " + e + ".", e);
    }
  }
}
