#pragma once
#include <string>
#include <vector>

#include "core/dataset.h"
#include "core/document.h"

namespace tapemill {

/// An Avro type as a schema declares it (Avro 1.11, "Schema Declaration"). Named types are resolved: the type that a name
/// stands for is repeated where it is used, so a type that holds itself is refused.
struct AvroType {
  enum class Kind {
    null,
    boolean,
    int32,
    int64,
    float32,
    float64,
    bytes,
    string,
    record,
    enumeration,
    array,
    map,
    either,
    fixed
  };
  Kind kind = Kind::null;
  std::string name;                  // of a record, enumeration or fixed
  std::string logical;               // logicalType, where it is known and fits its type; else empty
  int precision = 0, scale = 0;      // of a decimal
  std::int64_t size = 0;             // of a fixed
  std::vector<std::string> symbols;  // of an enumeration
  struct Field;
  std::vector<Field> fields;         // of a record
  std::vector<AvroType> items;       // of an array or map: one; of a union: its branches
  const Node* at = nullptr;          // where it is declared; of the document, as long as that lives
};
struct AvroType::Field {
  std::string name, doc, unit;
  std::vector<std::string> aliases;
  AvroType type;
  const Node* fallback = nullptr;  // default, null included
  const Node* at = nullptr;
};

/// A schema: an object, a list (a union) or the name of a primitive type. Errors (usage, with file and line): what Avro does
/// not allow, a name that is not declared, nesting past 32, over 10,000 types.
Result<AvroType> read_avro(const Node& schema);

/// Avro's type as the specification's table maps it: "DECIMAL(18,2)" and "decimal64(18, 2)". Of a union with null: those of
/// its other branch. Empty: there is none.
struct AvroMapping {
  std::string avro, parquet, arrow;
  bool nullable = false;
};
AvroMapping mapping_of(const AvroType& type);
/// The type beside null of [null, T]; null where `type` is no such union.
const AvroType* beside_null(const AvroType& type);

/// The columns of a record, for a data set (docs/formats/avro.md): null by the union with it, doc as help, default, aliases,
/// the property unit, symbols of an enumeration. Errors (usage): what a table has no column for (bytes, fixed, array, map,
/// record, a union of several types, time of day, duration, decimals past 18 digits), with what to do instead.
Result<std::vector<Column>> columns_of_avro(const AvroType& record);

}  // namespace tapemill
