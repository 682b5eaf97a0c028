#include "data_set.hpp"

#include <sluice/json/read.hpp>

#include <stdexcept>
#include <string_view>

namespace arena {

namespace {

// clang-format off
constexpr std::string_view text = R"json([
{"id":1,"name":"Alpha Widget","category":"electronics","price":328,"quantity":15,"active":true,"tags":["fast","new"],"rating":{"score":48,"count":127}},
{"id":2,"name":"Alpha Lamp","category":"home","price":114,"quantity":3,"active":true,"tags":["fast","light"],"rating":{"score":27,"count":36}},
{"id":3,"name":"Alpha Chair","category":"furniture","price":287,"quantity":28,"active":true,"tags":["new"],"rating":{"score":37,"count":64}},
{"id":4,"name":"Alpha Kettle","category":"kitchen","price":300,"quantity":38,"active":true,"tags":["fast"],"rating":{"score":15,"count":24}},
{"id":5,"name":"Alpha Backpack","category":"sports","price":78,"quantity":35,"active":true,"tags":["popular","limited","sale"],"rating":{"score":20,"count":287}},
{"id":6,"name":"Bright Widget","category":"electronics","price":297,"quantity":41,"active":true,"tags":["popular","fast","light"],"rating":{"score":7,"count":281}},
{"id":7,"name":"Bright Lamp","category":"home","price":321,"quantity":14,"active":true,"tags":["new","light","fast"],"rating":{"score":35,"count":219}},
{"id":8,"name":"Bright Chair","category":"furniture","price":477,"quantity":30,"active":true,"tags":["limited","light"],"rating":{"score":16,"count":93}},
{"id":9,"name":"Bright Kettle","category":"kitchen","price":158,"quantity":34,"active":true,"tags":["sale","fast","light"],"rating":{"score":22,"count":374}},
{"id":10,"name":"Bright Backpack","category":"sports","price":42,"quantity":8,"active":true,"tags":["light","limited"],"rating":{"score":11,"count":388}},
{"id":11,"name":"Compact Widget","category":"electronics","price":220,"quantity":3,"active":false,"tags":["popular","sale"],"rating":{"score":5,"count":392}},
{"id":12,"name":"Compact Lamp","category":"home","price":184,"quantity":39,"active":true,"tags":["sturdy","popular","limited"],"rating":{"score":30,"count":36}},
{"id":13,"name":"Compact Chair","category":"furniture","price":247,"quantity":45,"active":true,"tags":["light"],"rating":{"score":4,"count":375}},
{"id":14,"name":"Compact Kettle","category":"kitchen","price":353,"quantity":29,"active":true,"tags":["light","sturdy","limited"],"rating":{"score":25,"count":343}},
{"id":15,"name":"Compact Backpack","category":"sports","price":186,"quantity":11,"active":true,"tags":["fast","sale"],"rating":{"score":32,"count":31}},
{"id":16,"name":"Durable Widget","category":"electronics","price":71,"quantity":48,"active":true,"tags":["light"],"rating":{"score":26,"count":255}},
{"id":17,"name":"Durable Lamp","category":"home","price":234,"quantity":26,"active":true,"tags":["popular"],"rating":{"score":9,"count":221}},
{"id":18,"name":"Durable Chair","category":"furniture","price":188,"quantity":44,"active":false,"tags":["light","sturdy","sale"],"rating":{"score":15,"count":78}},
{"id":19,"name":"Durable Kettle","category":"kitchen","price":82,"quantity":15,"active":true,"tags":["popular"],"rating":{"score":1,"count":249}},
{"id":20,"name":"Durable Backpack","category":"sports","price":7,"quantity":10,"active":true,"tags":["popular","limited","classic"],"rating":{"score":24,"count":313}},
{"id":21,"name":"Eco Widget","category":"electronics","price":444,"quantity":33,"active":false,"tags":["sturdy","new","limited"],"rating":{"score":42,"count":347}},
{"id":22,"name":"Eco Lamp","category":"home","price":413,"quantity":36,"active":true,"tags":["fast","sale","sturdy"],"rating":{"score":26,"count":202}},
{"id":23,"name":"Eco Chair","category":"furniture","price":329,"quantity":26,"active":true,"tags":["limited"],"rating":{"score":5,"count":107}},
{"id":24,"name":"Eco Kettle","category":"kitchen","price":179,"quantity":39,"active":true,"tags":["popular","fast"],"rating":{"score":1,"count":291}},
{"id":25,"name":"Eco Backpack","category":"sports","price":490,"quantity":24,"active":true,"tags":["new"],"rating":{"score":5,"count":107}},
{"id":26,"name":"Fine Widget","category":"electronics","price":134,"quantity":23,"active":true,"tags":["classic","new","sturdy"],"rating":{"score":31,"count":63}},
{"id":27,"name":"Fine Lamp","category":"home","price":243,"quantity":31,"active":true,"tags":["limited"],"rating":{"score":6,"count":74}},
{"id":28,"name":"Fine Chair","category":"furniture","price":384,"quantity":17,"active":true,"tags":["sturdy"],"rating":{"score":45,"count":83}},
{"id":29,"name":"Fine Kettle","category":"kitchen","price":190,"quantity":10,"active":true,"tags":["fast","new","light"],"rating":{"score":2,"count":389}},
{"id":30,"name":"Fine Backpack","category":"sports","price":361,"quantity":17,"active":true,"tags":["light","sturdy","fast"],"rating":{"score":11,"count":183}},
{"id":31,"name":"Grand Widget","category":"electronics","price":330,"quantity":15,"active":true,"tags":["sturdy"],"rating":{"score":49,"count":100}},
{"id":32,"name":"Grand Lamp","category":"home","price":383,"quantity":15,"active":true,"tags":["classic"],"rating":{"score":32,"count":183}},
{"id":33,"name":"Grand Chair","category":"furniture","price":246,"quantity":17,"active":true,"tags":["fast","limited","popular"],"rating":{"score":39,"count":177}},
{"id":34,"name":"Grand Kettle","category":"kitchen","price":46,"quantity":15,"active":true,"tags":["sturdy","popular"],"rating":{"score":31,"count":101}},
{"id":35,"name":"Grand Backpack","category":"sports","price":324,"quantity":40,"active":false,"tags":["sale","limited"],"rating":{"score":31,"count":335}},
{"id":36,"name":"Handy Widget","category":"electronics","price":343,"quantity":8,"active":false,"tags":["new","classic"],"rating":{"score":46,"count":385}},
{"id":37,"name":"Handy Lamp","category":"home","price":460,"quantity":12,"active":true,"tags":["limited"],"rating":{"score":41,"count":171}},
{"id":38,"name":"Handy Chair","category":"furniture","price":242,"quantity":26,"active":true,"tags":["classic"],"rating":{"score":6,"count":372}},
{"id":39,"name":"Handy Kettle","category":"kitchen","price":70,"quantity":2,"active":true,"tags":["popular"],"rating":{"score":30,"count":336}},
{"id":40,"name":"Handy Backpack","category":"sports","price":341,"quantity":23,"active":true,"tags":["limited"],"rating":{"score":36,"count":68}},
{"id":41,"name":"Ideal Widget","category":"electronics","price":414,"quantity":47,"active":true,"tags":["fast"],"rating":{"score":34,"count":384}},
{"id":42,"name":"Ideal Lamp","category":"home","price":451,"quantity":13,"active":false,"tags":["classic"],"rating":{"score":14,"count":15}},
{"id":43,"name":"Ideal Chair","category":"furniture","price":261,"quantity":16,"active":true,"tags":["sale","popular"],"rating":{"score":21,"count":133}},
{"id":44,"name":"Ideal Kettle","category":"kitchen","price":36,"quantity":48,"active":true,"tags":["classic","limited","new"],"rating":{"score":30,"count":340}},
{"id":45,"name":"Ideal Backpack","category":"sports","price":71,"quantity":35,"active":true,"tags":["classic","limited","light"],"rating":{"score":33,"count":10}},
{"id":46,"name":"Jolly Widget","category":"electronics","price":7,"quantity":50,"active":true,"tags":["popular","light"],"rating":{"score":12,"count":73}},
{"id":47,"name":"Jolly Lamp","category":"home","price":36,"quantity":21,"active":true,"tags":["new","light"],"rating":{"score":34,"count":285}},
{"id":48,"name":"Jolly Chair","category":"furniture","price":34,"quantity":16,"active":true,"tags":["new","light"],"rating":{"score":3,"count":396}},
{"id":49,"name":"Jolly Kettle","category":"kitchen","price":292,"quantity":2,"active":true,"tags":["limited"],"rating":{"score":5,"count":227}},
{"id":50,"name":"Jolly Backpack","category":"sports","price":146,"quantity":29,"active":true,"tags":["sale","sturdy"],"rating":{"score":31,"count":260}}
])json";
// clang-format on

} // namespace

std::vector<item> read_data_set()
{
    auto items = sluice::read_json<std::vector<item>>(text);
    if (!items) throw std::runtime_error("the data set cannot be read: " + items.error().detail);
    return *std::move(items);
}

} // namespace arena
