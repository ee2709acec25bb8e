// SPDX-License-Identifier: Apache-2.0
/** JSON, read strictly and written. */
package dev.culvert.cni.conformance.json;
