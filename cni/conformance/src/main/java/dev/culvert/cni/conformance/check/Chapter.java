// SPDX-License-Identifier: Apache-2.0
package dev.culvert.cni.conformance.check;

/** Where in the specification 1.1.0 a check's sentence comes from. */
public enum Chapter {
  PARAMETERS("2, Parameters"),
  ERRORS("2, Errors"),
  ADD("2, ADD"),
  DEL("2, DEL"),
  CHECK("2, CHECK"),
  STATUS("2, STATUS"),
  VERSION("2, VERSION"),
  GC("2, GC"),
  LIFECYCLE("3, Lifecycle & Ordering"),
  REQUEST("3, Deriving request configuration"),
  RUNTIME_CONFIG("3, Deriving runtimeConfig"),
  ADD_SUCCESS("5, ADD Success"),
  VERSION_SUCCESS("5, VERSION Success"),
  ERROR("5, Error");

  private final String section;

  Chapter(String section) {
    this.section = section;
  }

  /** The number of the section, and its part. */
  public String section() {
    return section;
  }
}
