// The places where users are kept, for tests that ask the same of each. PostgreSQL is server.py's.
#pragma once

#include "../postgres/database.hpp"
#include "../sqlite/run.hpp"
#include "../sqlite/temporary_folder.hpp"
#include "resources/schema.hpp"
#include "resources/users/memory_user_repository.hpp"
#include "resources/users/postgres_user_repository.hpp"
#include "resources/users/sqlite_user_repository.hpp"

#include <gtest/gtest.h>

#include <future>
#include <memory>
#include <utility>
#include <vector>

namespace sluice::users {

class in_memory
{
public:
    user_repository& users() { return users_; }
    template <class Make> auto run(Make make) { return test::run(make()); }

private:
    memory_user_repository users_;
};

class in_sqlite
{
public:
    explicit in_sqlite(unsigned shards = 1) : shards_(shards) { open(); }
    user_repository& users(unsigned = 0) { return *users_; }
    template <class Make> auto run(Make make) { return shards_.run(std::move(make)); }
    template <class Make> auto start(unsigned on, Make make) { return shards_.start(on, std::move(make)); }
    void open_again()
    {
        users_.reset();
        db_.reset();
        open();
    }

private:
    void open()
    {
        auto opened =
            sqlite::database::open({.path = folder_.file("users.db"), .migrations = sqlite_schema, .readers = 3});
        EXPECT_TRUE(opened) << opened.error().detail;
        db_ = std::move(*opened);
        users_ = std::make_unique<sqlite_user_repository>(*db_);
    }

    test::temporary_folder folder_;
    std::unique_ptr<sqlite::database> db_;
    std::unique_ptr<sqlite_user_repository> users_;
    test::shard_runner shards_; // ends before the database
};

class in_postgres
{
public:
    explicit in_postgres(unsigned shards = 1) : shards_(shards), users_(shards)
    {
        postgres::test::session()("SET client_min_messages = warning; DROP SCHEMA public CASCADE; CREATE SCHEMA "
                                  "public; GRANT ALL ON SCHEMA public TO sluice");
        const auto migrated = postgres::migrate({.url = url()}, postgres_schema);
        EXPECT_TRUE(migrated) << migrated.error().detail;
        open_again();
    }
    user_repository& users(unsigned on = 0) { return *users_[on]; }
    template <class Make> auto run(Make make) { return shards_.run(std::move(make)); }
    template <class Make> auto start(unsigned on, Make make) { return shards_.start(on, std::move(make)); }
    void open_again()
    {
        for (unsigned i = 0; i < users_.size(); ++i) users_[i] = start(i, [this] { return open(); }).get();
    }

private:
    static std::string url() { return postgres::test::environment("SLUICE_TEST_DATABASE_URL"); }
    task<user_repository*> open()
    {
        shard& here = shard::current();
        auto& connections = here.own<postgres::pool>(here, connecting_, postgres::pool_options{.url = url()});
        co_return &here.own<postgres_user_repository>(connections);
    }

    offload_pool connecting_{{.threads = 2}};
    test::shard_runner shards_;           // ends before what makes its connections
    std::vector<user_repository*> users_; // one a shard
};

} // namespace sluice::users
