// SPDX-License-Identifier: Apache-2.0
package dev.culvert.testing.circle.below;

/** Knows nobody. */
public record Below() {}
